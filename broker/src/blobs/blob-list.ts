/** A blob that is to be deleted. */
export interface ListedBlob {
  readonly blobId: string;
  /** When its run had ended, at the latest; wall clock, milliseconds. */
  readonly endedMs: number;
}

/** Blobs that are to be deleted at a time, the earliest first. Pure: no clock, no I/O. */
export interface BlobList {
  /**
   * @param dueMs monotonic, not before any that was given before. A blob that is listed already is due then, too.
   * @returns false if the list is full: the blob is not on it.
   */
  add(blob: ListedBlob, dueMs: number): boolean;
  /** Takes at most `limit` of those that are due off the list. */
  takeDue(nowMs: number, limit: number): ListedBlob[];
}

/** @param capacity how many it holds; one takes about 200 bytes. */
export function createBlobList(capacity: number): BlobList {
  // In the order of their times, for a Map keeps the order in which keys were added.
  const listed = new Map<string, ListedBlob & { readonly dueMs: number }>();
  return {
    add({ blobId, endedMs }, dueMs) {
      const known = listed.get(blobId);
      if (!known && listed.size >= capacity) return false;
      listed.delete(blobId);
      listed.set(blobId, { blobId, endedMs: Math.min(endedMs, known?.endedMs ?? Infinity), dueMs });
      return true;
    },
    takeDue(nowMs, limit) {
      const due: ListedBlob[] = [];
      for (const { dueMs, ...blob } of listed.values()) {
        if (dueMs > nowMs || due.length === limit) break;
        due.push(blob);
      }
      for (const { blobId } of due) listed.delete(blobId);
      return due;
    },
  };
}
