import { crc32 } from "node:zlib";
import { corruptImage, type ImageHeader, requireBytes } from "./image-header.js";

/** Most chunks that are looked at. Encoders make one for every 8 KiB; what has more is left to the decoder. */
const MAX_CHUNKS = 10_000;
/** Checksums are computed in the first chunks of the first MiB, which takes half a millisecond. */
const MAX_SUMMED_BYTES = 1024 * 1024;
const MAX_SUMMED_CHUNKS = 300;
const HEADER_END = 33;
/** Bits of a channel by colour type; the types between do not exist. */
const BITS_BY_COLOUR: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const PALETTE_COLOUR = 3;
/** Names as numbers: there may be many chunks. */
const [IHDR, PLTE, IDAT, IEND, ACTL] = ["IHDR", "PLTE", "IDAT", "IEND", "acTL"].map((name) =>
  Buffer.from(name).readUInt32BE(),
);

/**
 * A PNG (W3C PNG, third edition): its header, then from chunk to chunk to the end mark, with the checksums that matter. Frames are
 * what an animated PNG says. @throws BrokerError image-corrupt
 */
export function readPngHeader(bytes: Buffer): ImageHeader {
  const { width, height, colour } = readHeaderChunk(bytes);
  let frames = 1;
  let hasPalette = false;
  let hasData = false;
  let at = HEADER_END;
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
    requireBytes(bytes, at + 8);
    const length = bytes.readUInt32BE(at);
    const name = bytes.readUInt32BE(at + 4);
    if (!isName(name)) throw corruptImage("has a chunk without a name");
    requireBytes(bytes, at + 12 + length);
    if (name === IEND) {
      if (!hasData) throw corruptImage("has no image data");
      return { width, height, frames };
    }
    // Decoders forgive a wrong checksum only where they can do without the chunk.
    const isNeeded = name === IDAT || name === PLTE;
    const isSummed = chunk < MAX_SUMMED_CHUNKS && at + length < MAX_SUMMED_BYTES;
    if (isNeeded && isSummed) requireChecksum(bytes, at, length);
    if (name === PLTE) hasPalette = true;
    if (name === ACTL && length >= 8) frames = bytes.readUInt32BE(at + 8);
    if (name === IDAT) {
      if (colour === PALETTE_COLOUR && !hasPalette) throw corruptImage("has no palette");
      hasData = true;
    }
    at += 12 + length;
  }
  return { width, height, frames };
}

function readHeaderChunk(bytes: Buffer) {
  requireBytes(bytes, HEADER_END);
  if (bytes.readUInt32BE(8) !== 13 || bytes.readUInt32BE(12) !== IHDR) {
    throw corruptImage("does not begin with its header");
  }
  requireChecksum(bytes, 8, 13);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [bits, colour, compression, filter, interlace] = bytes.subarray(24, 29);
  const isKnown = BITS_BY_COLOUR[colour ?? -1]?.includes(bits ?? 0) === true;
  if (!isKnown || compression !== 0 || filter !== 0 || (interlace ?? 2) > 1) {
    throw corruptImage("has a header with values that do not exist");
  }
  return { width, height, colour };
}

/** @param at where a chunk begins. @param length of its content */
function requireChecksum(bytes: Buffer, at: number, length: number): void {
  const end = at + 8 + length;
  if (bytes.readUInt32BE(end) !== crc32(bytes.subarray(at + 4, end))) {
    throw corruptImage("has a chunk with a wrong checksum");
  }
}

/** Four letters of ASCII; the fifth bit of each is its case. */
function isName(name: number): boolean {
  for (let shift = 0; shift < 32; shift += 8) {
    const letter = (name >>> shift) & 0xdf;
    if (letter < 0x41 || letter > 0x5a) return false;
  }
  return true;
}
