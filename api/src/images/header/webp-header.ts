import { corruptImage, type ImageHeader, MAX_FRAMES, requireBytes } from "./image-header.js";

/** Most chunks that are looked at; what has more is no animation that is taken, and hardly anything else. */
const MAX_CHUNKS = 5_000;
const FIRST_CHUNK = 12;

/**
 * A WebP (RFC 9649): lossy, lossless, or extended with a canvas, of which the frames are counted. The file must be as
 * long as it says. @throws BrokerError image-corrupt
 */
export function readWebpHeader(bytes: Buffer): ImageHeader {
  requireBytes(bytes, FIRST_CHUNK + 8);
  const end = 8 + bytes.readUInt32LE(4);
  requireBytes(bytes, end);
  const first = readChunk(bytes, FIRST_CHUNK, end);
  if (first.name === "VP8 ") return readLossy(bytes, first);
  if (first.name === "VP8L") return readLossless(bytes, first);
  if (first.name === "VP8X") return readExtended(bytes, first, end);
  throw corruptImage("does not begin with its header");
}

interface Chunk {
  readonly name: string;
  /** Of its content. */
  readonly start: number;
  readonly length: number;
}

function readChunk(bytes: Buffer, at: number, end: number): Chunk {
  const [name, start] = [bytes.toString("latin1", at, at + 4), at + 8];
  if (start > end) throw corruptImage("has half a chunk");
  const length = bytes.readUInt32LE(at + 4);
  if (start + length > end) throw corruptImage("has a chunk that is longer than the file");
  return { name, start, length };
}

/** RFC 6386 section 9.1: a key frame, its start code, and 14 bits for each side. */
function readLossy(bytes: Buffer, { start, length }: Chunk): ImageHeader {
  const isKeyFrame = length >= 10 && (bytes.readUInt8(start) & 1) === 0 && bytes.readUIntBE(start + 3, 3) === 0x9d012a;
  if (!isKeyFrame) throw corruptImage("does not begin with a key frame");
  const [width, height] = [bytes.readUInt16LE(start + 6) & 0x3fff, bytes.readUInt16LE(start + 8) & 0x3fff];
  return { width, height, frames: 1 };
}

/** RFC 9649 section 3.4: a signature, 14 bits for each side less one, a bit for transparency, 3 bits of version. */
function readLossless(bytes: Buffer, { start, length }: Chunk): ImageHeader {
  if (length < 5 || bytes.readUInt8(start) !== 0x2f) throw corruptImage("has no lossless header");
  const bits = bytes.readUInt32LE(start + 1);
  if (bits >>> 29 !== 0) throw corruptImage("has a lossless header of another version");
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, frames: 1 };
}

function readExtended(bytes: Buffer, { start, length }: Chunk, end: number): ImageHeader {
  if (length < 10) throw corruptImage("has a header that is too short");
  const width = bytes.readUIntLE(start + 4, 3) + 1;
  const height = bytes.readUIntLE(start + 7, 3) + 1;
  let frames = 0;
  let hasPicture = false;
  let at = start + length + (length % 2);
  for (let count = 0; count < MAX_CHUNKS && frames <= MAX_FRAMES && at < end; count++) {
    const chunk = readChunk(bytes, at, end);
    if (chunk.name === "ANMF") frames++;
    if (chunk.name === "VP8 " || chunk.name === "VP8L") hasPicture = true;
    at = chunk.start + chunk.length + (chunk.length % 2);
  }
  if (frames === 0 && !hasPicture) throw corruptImage("has no image data");
  return { width, height, frames: Math.max(frames, 1) };
}
