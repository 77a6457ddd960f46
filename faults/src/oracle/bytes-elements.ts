/** Texts as the BYTES elements of a tensor: each its length in 4 bytes, little-endian, then its bytes (KServe v2). */
export function encodeTexts(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const element = Buffer.alloc(4 + Buffer.byteLength(text));
      element.writeUInt32LE(element.length - 4);
      element.write(text, 4);
      return element;
    }),
  );
}

/** The reverse of {@link encodeTexts}. */
export function decodeTexts(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let at = 0; at < buffer.length;) {
    const end = at + 4 + buffer.readUInt32LE(at);
    texts.push(buffer.toString("utf8", at + 4, end));
    at = end;
  }
  return texts;
}
