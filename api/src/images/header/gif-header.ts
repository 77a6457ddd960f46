import { corruptImage, cutOffImage, type ImageHeader, MAX_FRAMES, requireBytes } from "./image-header.js";

/** Most blocks that are looked at: 10 MB in the usual blocks of 255 bytes. The rest is left to the decoder. */
const MAX_BLOCKS = 40_000;
const EXTENSION = 0x21;
const IMAGE = 0x2c;

/**
 * A GIF (GIF89a): the logical screen, then from block to block to the trailer, counting frames. The size is that of the
 * screen, or of what frames cover beyond it. Behind the first frame, which is all that is used, damage is forgiven.
 * @throws BrokerError image-corrupt
 */
export function readGifHeader(bytes: Buffer): ImageHeader {
  requireBytes(bytes, 13);
  let [width, height, frames] = [bytes.readUInt16LE(6), bytes.readUInt16LE(8), 0];
  const walk: Walk = { bytes, at: 13 + colourTableBytes(bytes.readUInt8(10)), blocksLeft: MAX_BLOCKS };
  for (; frames <= MAX_FRAMES && walk.blocksLeft > 0; walk.blocksLeft--) {
    const hasFrame = frames > 0;
    const kind = bytes[walk.at];
    if (kind === IMAGE && walk.at + 10 <= bytes.length) {
      width = Math.max(width, bytes.readUInt16LE(walk.at + 1) + bytes.readUInt16LE(walk.at + 5));
      height = Math.max(height, bytes.readUInt16LE(walk.at + 3) + bytes.readUInt16LE(walk.at + 7));
      // Behind the descriptor stand its colours, and the size of the first code.
      walk.at += 11 + colourTableBytes(bytes.readUInt8(walk.at + 9));
      frames++;
    } else if (kind === EXTENSION) walk.at += 2;
    else if (hasFrame) break;
    else throw kind === undefined || kind === IMAGE ? cutOffImage() : corruptImage("has no image data");
    if (skipSubBlocks(walk)) continue;
    if (hasFrame) break;
    throw cutOffImage();
  }
  if (frames === 0) throw corruptImage("has too many blocks before its first frame");
  return { width, height, frames };
}

interface Walk {
  readonly bytes: Buffer;
  at: number;
  blocksLeft: number;
}

/** The lowest three bits say how many colours there are, if the highest says that there are any. */
function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0;
}

/** @returns false if the file ends in them */
function skipSubBlocks(walk: Walk): boolean {
  for (; walk.blocksLeft > 0; walk.blocksLeft--) {
    const length = walk.bytes[walk.at];
    if (length === undefined) return false;
    walk.at += 1 + length;
    if (length === 0) break;
  }
  return true;
}
