import type { TritonClient } from "../triton-client.js";
import { createRegionFile, type RegionFile } from "./region-file.js";

/** A file that a Triton has mapped. */
export interface SharedRegion {
  readonly name: string;
  readonly byteSize: number;
  /**
   * Writes the pieces of each tensor at its place, and takes the memory up to `end`: where a file has no memory behind
   * it, a full /dev/shm would end whoever writes there through a mapping, and that is Triton with its answers.
   * @throws Error if the memory is used up.
   */
  fill(tensors: readonly PlacedTensor[], end: number): Promise<void>;
  read(offset: number, byteSize: number): Promise<Uint8Array>;
  touch(): Promise<void>;
  /**
   * Removes the file and makes Triton forget it. May come again.
   * @throws BrokerError if Triton does not, for it does not answer or still uses the region; the file is gone nevertheless.
   */
  release(): Promise<void>;
}

/** A tensor in pieces, and where it begins in a region. */
export interface PlacedTensor {
  readonly offset: number;
  readonly pieces: readonly Uint8Array[];
}

/** The calls of a client that regions need. */
export type RegionCalls = Pick<TritonClient, "sharedMemoryRegister" | "sharedMemoryUnregister" | "sharedMemoryStatus">;

/** How long Triton may take to map a region, or to forget it. */
export const REGION_CALL_MS = 1_000;

/** Makes a file and has it mapped. @throws Error if either fails; nothing is left then. */
export async function openSharedRegion(client: RegionCalls, name: string, byteSize: number): Promise<SharedRegion> {
  const file = await createRegionFile(name, byteSize);
  try {
    const region = { name, key: `/${name}`, offset: 0, byteSize };
    await client.sharedMemoryRegister(region, { deadlineMs: REGION_CALL_MS });
    return asRegion(client, file);
  } catch (error) {
    await file.remove();
    // The answer may have been lost after Triton had mapped it.
    await client.sharedMemoryUnregister(name, { deadlineMs: REGION_CALL_MS }).catch(() => undefined);
    throw error;
  }
}

function asRegion(client: RegionCalls, file: RegionFile): SharedRegion {
  const { name, byteSize } = file;
  let backedTo = 0;
  return {
    name,
    byteSize,
    async fill(tensors, end) {
      if (end > backedTo) await file.write(zeros(end - backedTo), backedTo);
      backedTo = Math.max(backedTo, end);
      for (const { pieces, offset } of tensors) await file.write(pieces, offset);
    },
    read: (offset, length) => file.read(offset, length),
    touch: () => file.touch(),
    async release() {
      await file.remove();
      await client.sharedMemoryUnregister(name, { deadlineMs: REGION_CALL_MS });
    },
  };
}

/** That many zeros, in pieces that are one and the same. */
function zeros(byteSize: number): Uint8Array[] {
  const piece = new Uint8Array(Math.min(byteSize, 2 ** 20));
  const whole = Math.floor(byteSize / piece.length);
  return [...Array.from({ length: whole }, () => piece), piece.subarray(0, byteSize - whole * piece.length)];
}
