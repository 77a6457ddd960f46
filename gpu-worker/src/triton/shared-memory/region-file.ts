import { open, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";

/** A file in /dev/shm that Triton maps and we write to: Node cannot map it, and writing runs at memory speed. */
export interface RegionFile {
  readonly name: string;
  readonly byteSize: number;
  /** Writes pieces one after the other. @throws Error if the memory is used up. */
  write(pieces: readonly Uint8Array[], offset: number): Promise<void>;
  read(offset: number, byteSize: number): Promise<Uint8Array>;
  /** Says to others that its owner lives. */
  touch(): Promise<void>;
  /** Removes it. Whoever has mapped it keeps the memory until it lets go. May come twice. */
  remove(): Promise<void>;
}

/** Where POSIX shared memory lies on Linux. */
export const SHARED_MEMORY_FOLDER = "/dev/shm";
/** writev(2) takes no more pieces at once. */
const MAX_PIECES = 1024;

/**
 * A new file for that many bytes; they are taken from the memory as they are written. Only our own user may open it.
 * @throws Error if it cannot be made, or would take more than half of the memory that is left there: Triton's Python
 * models need theirs in the same place.
 */
export async function createRegionFile(name: string, byteSize: number): Promise<RegionFile> {
  const path = join(SHARED_MEMORY_FOLDER, name);
  const { bavail, bsize } = await statfs(SHARED_MEMORY_FOLDER);
  if (byteSize > (bavail * bsize) / 2) throw new Error(`${SHARED_MEMORY_FOLDER} has no room for ${byteSize} bytes`);
  const file = await open(path, "wx+", 0o600);
  await file.truncate(byteSize);
  let removed = false;
  return {
    name,
    byteSize,
    async write(pieces, offset) {
      let at = offset;
      for (let first = 0; first < pieces.length; first += MAX_PIECES) {
        const group = pieces.slice(first, first + MAX_PIECES);
        const wanted = group.reduce((sum, piece) => sum + piece.length, 0);
        const { bytesWritten } = await file.writev(group, at);
        if (bytesWritten !== wanted) throw new Error(`only ${bytesWritten} of ${wanted} bytes fit ${path}`);
        at += wanted;
      }
    },
    async read(offset, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      const { bytesRead } = await file.read(bytes, 0, length, offset);
      if (bytesRead !== length) throw new Error(`${path} holds only ${bytesRead} of ${length} bytes`);
      return bytes;
    },
    async touch() {
      const now = new Date();
      await file.utimes(now, now);
    },
    async remove() {
      if (removed) return;
      removed = true;
      await unlink(path).catch(ignoreMissing);
      await file.close();
    },
  };
}

/** Somebody else may have taken it for left over. */
export function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
