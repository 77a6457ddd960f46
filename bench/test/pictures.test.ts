import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { makePictures } from "../src/pictures/make-pictures.js";
import { decodePicture, type ImageInput, toPixelTensor } from "../src/pictures/picture-tensor.js";
import { withComment } from "../src/pictures/with-comment.js";

const options = { count: 3, seed: 5, width: 160, height: 120 };
const input: ImageInput = {
  kind: "image",
  tensor: "IMAGE",
  width: 2,
  height: 1,
  fit: "fill",
  layout: "NCHW",
  mean: [0, 0.5, 0],
  std: [1, 0.5, 1],
};

describe("pictures", () => {
  it("are JPEGs of the size asked for that all differ, the same for the same seed", async () => {
    const pictures = await makePictures(options);
    const metadata = await Promise.all(pictures.map((picture) => sharp(picture).metadata()));
    expect(metadata.map(({ format, width, height }) => [format, width, height])).toEqual(
      Array(3).fill(["jpeg", 160, 120]),
    );
    expect(new Set(pictures.map((picture) => picture.toString("base64"))).size).toBe(3);
    expect(await makePictures(options)).toEqual(pictures);
  });

  it("have other bytes and equal pixels with a comment", async () => {
    const [picture = Buffer.alloc(0)] = await makePictures({ ...options, count: 1 });
    const commented = withComment(picture, "7/1");
    expect(commented.equals(picture)).toBe(false);
    expect(commented.equals(withComment(picture, "7/2"))).toBe(false);
    const pixels = await sharp(picture).raw().toBuffer();
    expect((await sharp(commented, { failOn: "warning" }).raw().toBuffer()).equals(pixels)).toBe(true);
  });

  it("become planes of normalised floats, or interleaved ones, as the model wants", async () => {
    const pixels = Buffer.from([255, 0, 51, 0, 255, 102]);
    const planes = new Float32Array(toPixelTensor(pixels, input).buffer);
    expect([...planes].map((value) => Number(value.toFixed(3)))).toEqual([1, 0, -1, 1, 0.2, 0.4]);
    const interleaved = new Float32Array(toPixelTensor(pixels, { ...input, layout: "NHWC" }).buffer);
    expect([...interleaved].map((value) => Number(value.toFixed(3)))).toEqual([1, -1, 0.2, 0, 1, 0.4]);
  });

  it("are resized to the model's input", async () => {
    const red = await sharp({ create: { width: 9, height: 9, channels: 3, background: "#ff0000" } })
      .png()
      .toBuffer();
    expect([...(await decodePicture(red, input))]).toEqual([255, 0, 0, 255, 0, 0]);
  });
});
