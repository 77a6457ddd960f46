import { BrokerError } from "@sluice/broker";

/** What a picture's file says of itself before anything is decoded. Pixels. */
export interface ImageHeader {
  readonly width: number;
  readonly height: number;
  /** Pictures in the file, where the header tells; of an animation they are counted until there are too many. */
  readonly frames: number;
}

/** Most pixels of one picture: decoded they take 120 MB and more. The decoder of the workers has the same limit. */
export const MAX_PIXELS = 40_000_000;
/** Longest side: what a JPEG or a GIF can say. A PNG could be one pixel high and a million wide. */
export const MAX_SIDE_PIXELS = 65_535;
/** Most frames of an animation; of them only the first is used, but decoders look at all. */
export const MAX_FRAMES = 1_000;

/** The refusal of a file that does not keep to its format. `detail` goes on from "the picture". */
export function corruptImage(detail: string): BrokerError {
  return new BrokerError("image-corrupt", `the picture ${detail}`);
}

/** The refusal of a file that ends too early. */
export function cutOffImage(): BrokerError {
  return corruptImage("is cut off");
}

/** Makes sure that a file has bytes up to `end`. @throws BrokerError image-corrupt */
export function requireBytes(bytes: Buffer, end: number): void {
  if (end > bytes.length) throw cutOffImage();
}

/** Makes sure that decoding a picture can be afforded. @throws BrokerError image-corrupt (nothing in it) | image-too-large */
export function requireAffordable({ width, height, frames }: ImageHeader): void {
  if (width === 0 || height === 0) throw corruptImage("has no pixels");
  if (Math.max(width, height) > MAX_SIDE_PIXELS) {
    throw tooLarge(`is ${width} x ${height} pixels; a side may have at most ${MAX_SIDE_PIXELS}`);
  }
  if (width * height > MAX_PIXELS) {
    throw tooLarge(`is ${width} x ${height} pixels, which are more than ${MAX_PIXELS}`);
  }
  if (frames > MAX_FRAMES) throw tooLarge(`has more than ${MAX_FRAMES} frames`);
}

function tooLarge(detail: string): BrokerError {
  return new BrokerError("image-too-large", `the picture ${detail}`);
}
