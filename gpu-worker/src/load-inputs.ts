import { type BlobStore, BrokerError } from "@sluice/broker";
import type { ClaimedRun } from "./claim-batch.js";

/**
 * The input of each run, from the run itself or from the blob store.
 * @returns in the place of an input that is gone `input-rejected`, of one that cannot be read now
 * `storage-unavailable`.
 */
export async function loadInputs(runs: readonly ClaimedRun[], blobs: BlobStore): Promise<(Uint8Array | BrokerError)[]> {
  const inputs: (Uint8Array | BrokerError)[] = runs.map((run) => run.input);
  const loading: Promise<void>[] = [];
  runs.forEach(({ blobId }, index) => {
    if (blobId === undefined) return;
    loading.push(loadBlob(blobs, blobId).then((loaded) => void (inputs[index] = loaded)));
  });
  if (loading.length > 0) await Promise.all(loading);
  return inputs;
}

async function loadBlob(blobs: BlobStore, blobId: string): Promise<Uint8Array | BrokerError> {
  try {
    const bytes = await blobs.get(blobId);
    return bytes ?? new BrokerError("input-rejected", "the input is no longer in the blob store");
  } catch (error) {
    return BrokerError.from(error, "storage-unavailable", "the input could not be read");
  }
}
