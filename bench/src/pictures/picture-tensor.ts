import type { ModelInput } from "@sluice/broker";
import sharp from "sharp";

/** What an image model takes. */
export type ImageInput = Extract<ModelInput, { kind: "image" }>;

/** Decoded and resized: interleaved RGB, one byte a channel. */
export function decodePicture(picture: Buffer, { width, height, fit }: ImageInput): Promise<Buffer> {
  return sharp(picture).resize(width, height, { fit, kernel: "cubic" }).removeAlpha().raw().toBuffer();
}

/** Pixels as the model takes them: FP32, `(pixel / 255 - mean) / std`, in its layout. */
export function toPixelTensor(pixels: Buffer, { layout, mean, std }: ImageInput): Uint8Array {
  const values = new Float32Array(pixels.length);
  const plane = pixels.length / 3;
  pixels.forEach((pixel, at) => {
    const channel = at % 3;
    const to = layout === "NCHW" ? channel * plane + (at - channel) / 3 : at;
    values[to] = (pixel / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  return new Uint8Array(values.buffer);
}
