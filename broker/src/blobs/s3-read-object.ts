import { addAbortSignal } from "node:stream";
import type { S3Object } from "./s3-objects.js";

/**
 * Reads an object into memory.
 * @param count is told how many bytes it takes: before they are read if the storage told the length, else as they come.
 * What it throws ends the reading.
 * @throws what `count` throws; Error if the body breaks off, or the signal is aborted
 */
export async function readS3Object(
  { byteLength, body }: S3Object,
  signal: AbortSignal,
  count: (bytes: number) => void = () => undefined,
): Promise<Buffer> {
  addAbortSignal(signal, body);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (byteLength !== undefined) count(byteLength);
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      count(bytes);
      chunks.push(chunk);
    }
  } finally {
    body.destroy();
  }
  if (byteLength !== undefined && bytes !== byteLength) throw new Error(`${bytes} of ${byteLength} bytes came`);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}
