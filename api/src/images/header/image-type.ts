/** Media types of the pictures that are taken. */
export type ImageType = "image/jpeg" | "image/png" | "image/webp" | "image/avif" | "image/gif";

const at = (bytes: Buffer, offset: number, text: string) =>
  bytes.length >= offset + text.length && bytes.toString("latin1", offset, offset + text.length) === text;

/** What the first bytes say: the file signatures of each format. Undefined for everything else. */
export function detectImageType(bytes: Buffer): ImageType | undefined {
  if (at(bytes, 0, "\xff\xd8\xff")) return "image/jpeg";
  if (at(bytes, 0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (at(bytes, 0, "RIFF") && at(bytes, 8, "WEBP")) return "image/webp";
  if (isAvif(bytes)) return "image/avif";
  if (at(bytes, 0, "GIF87a") || at(bytes, 0, "GIF89a")) return "image/gif";
  return undefined;
}

/** Most brands that are looked at; encoders write three to six. */
const MAX_BRANDS = 32;

/**
 * A file box (ISO/IEC 14496-12) of the brand of AVIF, or of pictures in general with that of AVIF among the brands that
 * it is compatible with. HEIF of other codecs and sequences of pictures are not taken.
 */
function isAvif(bytes: Buffer): boolean {
  if (at(bytes, 4, "ftypavif")) return true;
  if (!at(bytes, 4, "ftypmif1") && !at(bytes, 4, "ftypmsf1")) return false;
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 16 + 4 * MAX_BRANDS);
  for (let brand = 16; brand + 4 <= end; brand += 4) if (at(bytes, brand, "avif")) return true;
  return false;
}
