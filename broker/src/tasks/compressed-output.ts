import { compressSync, uncompressSync } from "lz4-napi";
import { BrokerError } from "../errors.js";

/** First byte of what is compressed: the one that msgpack never uses. Behind it a block of LZ4 with its size before it. */
const COMPRESSED = 0xc1;
/** Smaller results are scores of labels, of which nothing can be saved: measured, 388 bytes become 396. */
const MIN_BYTES = 1_024;
/** What is saved must be worth that every reader expands it. */
const MAX_SHARE = 0.9;

/** The bytes of a result as they are kept: compressed, if that makes them smaller by a tenth. */
export function compressOutput(bytes: Buffer): Buffer {
  if (bytes.length < MIN_BYTES) return bytes;
  const block = compressSync(bytes);
  return block.length < MAX_SHARE * bytes.length ? Buffer.concat([Buffer.of(COMPRESSED), block]) : bytes;
}

/** What `compressOutput` was given. @throws BrokerError upstream-invalid for a block that cannot be expanded */
export function expandOutput(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== COMPRESSED) return bytes;
  try {
    return uncompressSync(Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1));
  } catch (cause) {
    throw new BrokerError("upstream-invalid", "a stored result cannot be read", { cause });
  }
}
