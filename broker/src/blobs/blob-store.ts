/** Keeps inputs that are too large for Redis. A blob belongs to one run and has its id. */
export interface BlobStore {
  /** Stores the bytes whole or not at all. @throws BrokerError storage-unavailable */
  put(blobId: string, bytes: Uint8Array): Promise<void>;
  /** Undefined if there is no such blob. @throws BrokerError storage-unavailable */
  get(blobId: string): Promise<Buffer | undefined>;
  /**
   * Deletes it, if it is there.
   * @param minAgeMs only if it was written so long ago: an id may be used again, and its blob is written before its
   * run is there. @throws BrokerError storage-unavailable
   */
  delete(blobId: string, minAgeMs?: number): Promise<void>;
  /** Ids of blobs that are older than `ageMs`, for the sweeper. It throws when the store cannot be read. */
  listOlderThan(ageMs: number): AsyncIterable<string>;
}
