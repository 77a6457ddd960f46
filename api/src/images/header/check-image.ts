import { BrokerError } from "@sluice/broker";
import { detectImageType, type ImageType } from "./image-type.js";
import { readAvifHeader } from "./avif-header.js";
import { readGifHeader } from "./gif-header.js";
import { type ImageHeader, requireAffordable } from "./image-header.js";
import { readJpegHeader } from "./jpeg-header.js";
import { readPngHeader } from "./png-header.js";
import { readWebpHeader } from "./webp-header.js";

/** A picture that may be decoded, as far as its header tells. */
export interface CheckedImage extends ImageHeader {
  readonly type: ImageType;
}

const READERS: Readonly<Record<ImageType, (bytes: Buffer) => ImageHeader>> = {
  "image/jpeg": readJpegHeader,
  "image/png": readPngHeader,
  "image/webp": readWebpHeader,
  "image/gif": readGifHeader,
  "image/avif": readAvifHeader,
};

/**
 * Decides without decoding whether some bytes are a picture that is taken. What follows the end of a picture is none of
 * its business: it is never read as anything else.
 * @param declaredType the media type that came with the bytes; it must be what they are.
 * @throws BrokerError unsupported-image-type | image-corrupt | image-too-large
 */
export function checkImage(bytes: Buffer, declaredType?: string): CheckedImage {
  const type = detectImageType(bytes);
  if (type === undefined) {
    throw new BrokerError("unsupported-image-type", "the bytes are no JPEG, PNG, WebP, AVIF or GIF");
  }
  const declared = declaredType === "image/jpg" ? "image/jpeg" : declaredType;
  if (declared !== undefined && declared !== type) {
    throw new BrokerError("unsupported-image-type", `the bytes are ${type}, not ${declared}`);
  }
  const header = READERS[type](bytes);
  requireAffordable(header);
  return { type, ...header };
}
