import { corruptImage, cutOffImage, type ImageHeader } from "./image-header.js";

/** Most boxes of one level that are looked at. Real files have some tens, a grid of tiles some hundreds. */
const MAX_BOXES = 1_000;
/** Boxes that a file may have at its top; what follows something else is not a part of it. */
const TOP_BOXES = new Set(["ftyp", "meta", "mdat", "moov", "free", "skip", "idat", "uuid"]);

/**
 * An AVIF (ISO/IEC 23008-12): its boxes must be whole, and the size is that of the largest item (`ispe`), for thumbnails,
 * masks and tiles have one of their own. @throws BrokerError image-corrupt
 */
export function readAvifHeader(bytes: Buffer): ImageHeader {
  const top = topBoxes(bytes);
  const meta = top.find(({ name }) => name === "meta");
  if (!meta) throw corruptImage("has no header");
  const children = childrenOf(bytes, meta.start + 4, meta.end);
  const hasData = top.some(({ name }) => name === "mdat") || children.some(({ name }) => name === "idat");
  if (!hasData) throw cutOffImage();
  const sizes = inside(bytes, inside(bytes, children, "iprp"), "ipco")
    .filter(({ name }) => name === "ispe")
    .map((box) => sizeIn(bytes, box));
  const [first, ...others] = sizes;
  if (!first) throw corruptImage("does not say how large it is");
  return others.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a), first);
}

interface Box {
  readonly name: string;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

/** @returns undefined where there is no head of a box; `end` may lie behind the file */
function readBox(bytes: Buffer, at: number, parentEnd: number): Box | undefined {
  if (at + 8 > parentEnd) return undefined;
  const size = bytes.readUInt32BE(at);
  const name = bytes.toString("latin1", at + 4, at + 8);
  if (size === 0) return { name, start: at + 8, end: parentEnd };
  if (size !== 1) return size < 8 ? undefined : { name, start: at + 8, end: at + size };
  if (at + 16 > parentEnd) return undefined;
  const longSize = Number(bytes.readBigUInt64BE(at + 8));
  return longSize < 16 ? undefined : { name, start: at + 16, end: at + longSize };
}

function topBoxes(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; boxes.length < MAX_BOXES;) {
    const box = readBox(bytes, at, bytes.length);
    if (!box || !TOP_BOXES.has(box.name)) break;
    if (box.end > bytes.length) throw cutOffImage();
    boxes.push(box);
    at = box.end;
  }
  return boxes;
}

function childrenOf(bytes: Buffer, start: number, end: number): Box[] {
  const boxes: Box[] = [];
  for (let at = start; at < end && boxes.length < MAX_BOXES;) {
    const box = readBox(bytes, at, end);
    if (!box || box.end > end) throw corruptImage("has a box that does not fit into the one around it");
    boxes.push(box);
    at = box.end;
  }
  return boxes;
}

function inside(bytes: Buffer, boxes: readonly Box[], name: string): Box[] {
  const box = boxes.find((each) => each.name === name);
  if (!box) throw corruptImage("has no properties");
  return childrenOf(bytes, box.start, box.end);
}

function sizeIn(bytes: Buffer, { start, end }: Box): ImageHeader {
  if (end - start < 12) throw corruptImage("does not say how large it is");
  return { width: bytes.readUInt32BE(start + 4), height: bytes.readUInt32BE(start + 8), frames: 1 };
}
