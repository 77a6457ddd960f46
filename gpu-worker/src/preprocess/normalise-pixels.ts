import type { ImageInput } from "./image-row.js";

/**
 * Interleaved RGB bytes -> FP32 `(pixel / 255 - mean) / std` in the model's layout, little-endian.
 * A channel has only 256 values, so each is computed once and looked up.
 * @param pixels 3 * width * height bytes.
 */
export function normalisePixels(pixels: Uint8Array, { layout, mean, std }: ImageInput): Uint8Array {
  const red = lookUpTable(mean[0], std[0]);
  const green = lookUpTable(mean[1], std[1]);
  const blue = lookUpTable(mean[2], std[2]);
  const values = new Float32Array(pixels.length);
  const planar = layout === "NCHW";
  const step = planar ? 1 : 3;
  const plane = planar ? pixels.length / 3 : 1;
  for (let from = 0, to = 0; from < pixels.length; from += 3, to += step) {
    values[to] = red[pixels[from] ?? 0] ?? 0;
    values[to + plane] = green[pixels[from + 1] ?? 0] ?? 0;
    values[to + 2 * plane] = blue[pixels[from + 2] ?? 0] ?? 0;
  }
  return new Uint8Array(values.buffer);
}

function lookUpTable(mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - mean) / std);
}
