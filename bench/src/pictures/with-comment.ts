const START_OF_IMAGE = 0xffd8;
const COMMENT = 0xfffe;

/**
 * The same JPEG with a comment: other bytes, equal pixels. A comment segment (marker FFFE, then a big-endian length that
 * counts itself; ITU-T T.81, B.2.4.5) may stand right behind the start of the image.
 */
export function withComment(jpeg: Buffer, comment: string): Buffer {
  if (jpeg.readUInt16BE(0) !== START_OF_IMAGE) throw new TypeError("this is no JPEG");
  const text = Buffer.from(comment, "latin1");
  const head = Buffer.alloc(6);
  head.writeUInt16BE(START_OF_IMAGE, 0);
  head.writeUInt16BE(COMMENT, 2);
  head.writeUInt16BE(text.length + 2, 4);
  return Buffer.concat([head, text, jpeg.subarray(2)]);
}
