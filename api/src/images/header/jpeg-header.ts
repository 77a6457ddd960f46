import { BrokerError } from "@sluice/broker";
import { corruptImage, cutOffImage, type ImageHeader, requireBytes } from "./image-header.js";

/** Most steps from the first byte to the picture itself: a colour profile takes up to 255 segments, a thumbnail few. */
const MAX_STEPS = 5_000;
/** Bytes between two segments that are none. Decoders skip them, so some are let through. */
const MAX_GARBAGE_BYTES = 65_536;
/** How much of the end is searched for the end mark. Bytes that are made to be slow take 0.7 ms. */
const MAX_SEARCHED_BYTES = 256 * 1024;
/** How much of the end is looked at more closely if it has no end mark, and how many marks make it a scan. */
const LOOKED_AT_BYTES = 64 * 1024;
const MIN_MARKS = 8;
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/**
 * A JPEG (ITU-T T.81): walks over its segments to the first scan, and looks for the end mark at the end of the file.
 * @throws BrokerError image-corrupt; unsupported-image-type for kinds of JPEG that nobody decodes
 */
export function readJpegHeader(bytes: Buffer): ImageHeader {
  let header: ImageHeader | undefined;
  let at = 2;
  for (let step = 0; step < MAX_STEPS; step++) {
    requireBytes(bytes, at + 2);
    const marker = bytes.readUInt16BE(at);
    if (marker < 0xff01) at = nextMark(bytes, at + 1);
    // A marker may have any number of bytes ff before it.
    else if (marker === 0xffff) at++;
    else if (standsAlone(marker)) at += 2;
    else {
      const end = segmentEnd(bytes, at);
      if (isFrameHeader(marker)) {
        if (header) throw corruptImage("has two frame headers");
        header = readFrameHeader(bytes, at, end);
      }
      at = end;
      if (marker === 0xffda) {
        if (!header) throw corruptImage("has a scan before its frame header");
        requireEndMark(bytes, at);
        return header;
      }
    }
  }
  throw corruptImage("has too many segments before its first scan");
}

function nextMark(bytes: Buffer, from: number): number {
  const skipped = bytes.subarray(from, from + MAX_GARBAGE_BYTES).indexOf(0xff);
  if (skipped >= 0) return from + skipped;
  throw from + MAX_GARBAGE_BYTES > bytes.length ? cutOffImage() : corruptImage("has no segment where one should be");
}

/** Markers without a segment: restarts and TEM. Start and end of image are such too, but not here. */
function standsAlone(marker: number): boolean {
  if (marker === 0xffd8 || marker === 0xffd9) throw corruptImage("begins or ends before its first scan");
  return marker === 0xff01 || (marker >= 0xffd0 && marker <= 0xffd7);
}

function segmentEnd(bytes: Buffer, at: number): number {
  requireBytes(bytes, at + 4);
  const length = bytes.readUInt16BE(at + 2);
  if (length < 2) throw corruptImage("has a segment that is too short");
  requireBytes(bytes, at + 2 + length);
  return at + 2 + length;
}

/** SOF0 to SOF15, between which stand three other segments (DHT, JPG, DAC). */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xffc0 && marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc;
}

function readFrameHeader(bytes: Buffer, at: number, end: number): ImageHeader {
  if (end - at < 10) throw corruptImage("has a frame header that is too short");
  const bits = bytes.readUInt8(at + 4);
  const channels = bytes.readUInt8(at + 9);
  if (end - at !== 10 + 3 * channels) throw corruptImage("has a frame header of the wrong length");
  if (channels === 0) throw corruptImage("has no channels");
  const isHierarchical = (bytes.readUInt8(at + 1) & 0x07) > 4;
  if (bits !== 8 || channels > 4 || isHierarchical) {
    const kind = isHierarchical ? "a hierarchical one" : `${bits} bits and ${channels} channels`;
    throw new BrokerError("unsupported-image-type", `JPEGs of 8 bits and up to 4 channels are taken, not ${kind}`);
  }
  return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7), frames: 1 };
}

/**
 * Nearly always the end mark is the last two bytes, but phones put whole films behind it: where it is not in what is
 * searched, the picture is cut off only if the file ends as a scan does.
 */
function requireEndMark(bytes: Buffer, scan: number): void {
  const tail = bytes.subarray(Math.max(scan, bytes.length - MAX_SEARCHED_BYTES));
  if (tail.lastIndexOf(END_OF_IMAGE) >= 0) return;
  if (tail.length === bytes.length - scan || endsInScan(tail)) throw cutOffImage();
}

/** In a scan, and in nothing else that is compressed, every ff has a zero behind it, or a restart, or the next scan. */
function endsInScan(tail: Buffer): boolean {
  let marks = 0;
  for (let at = Math.max(0, tail.length - LOOKED_AT_BYTES); at < tail.length - 1; at++) {
    if (tail[at] !== 0xff) continue;
    const next = tail[at + 1] ?? 0;
    const isOfScan = next === 0 || (next >= 0xd0 && next <= 0xd7) || next === 0xc4 || next === 0xda;
    if (!isOfScan) return false;
    marks++;
  }
  return marks >= MIN_MARKS;
}
