/** Media types of the pictures that are taken. */
export type ImageType = "image/jpeg" | "image/png" | "image/webp" | "image/avif" | "image/gif";

const at = (bytes: Buffer, offset: number, text: string) =>
  bytes.length >= offset + text.length && bytes.toString("latin1", offset, offset + text.length) === text;

/** What the first bytes say: the file signatures of each format. Undefined for everything else. */
export function detectImageType(bytes: Buffer): ImageType | undefined {
  if (at(bytes, 0, "\xff\xd8\xff")) return "image/jpeg";
  if (at(bytes, 0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (at(bytes, 0, "RIFF") && at(bytes, 8, "WEBP")) return "image/webp";
  // ISO base media file with the brands of AVIF; "heic" and "mif1" alone are HEIF, which is not taken.
  if (at(bytes, 4, "ftypavif") || at(bytes, 4, "ftypavis")) return "image/avif";
  if (at(bytes, 0, "GIF87a") || at(bytes, 0, "GIF89a")) return "image/gif";
  return undefined;
}
