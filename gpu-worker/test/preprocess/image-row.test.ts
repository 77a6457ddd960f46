import { BrokerError } from "@sluice/broker";
import sharp from "sharp";
import { describe, expect, test, vi } from "vitest";
import { createImageDecoder, type ImageInput } from "../../src/preprocess/image-row.js";

const decoder = createImageDecoder({ concurrency: 2 });

const RED = { r: 255, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 255 };

/** Width 4, height 2, raw pixels in 0..1, channels last, so that pixels are easy to name. */
const input: ImageInput = {
  kind: "image",
  tensor: "IMAGE",
  width: 4,
  height: 2,
  fit: "fill",
  layout: "NHWC",
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

const plain = (width: number, height: number, background: object) =>
  sharp({ create: { width, height, channels: 3, background } });

/** Left half red, right half blue. */
const twoHalves = (width: number, height: number) =>
  plain(width, height, RED).composite([
    { input: { create: { width: width / 2, height, channels: 3, background: BLUE } }, gravity: "east" },
  ]);

/** A picture with detail everywhere, so that no part of its file is redundant. */
const noise = () =>
  sharp({
    create: {
      width: 160,
      height: 120,
      channels: 3,
      background: "#000",
      noise: { type: "gaussian", mean: 128, sigma: 40 },
    },
  });

/** The pixels of a decoded picture, row by row, each [red, green, blue] in 0..255. */
async function pixelsOf(bytes: Uint8Array, changes: Partial<ImageInput> = {}): Promise<number[][]> {
  const row = await decoder.decode(bytes, { ...input, ...changes });
  const values = new Float32Array(row.data.buffer, row.data.byteOffset, row.data.byteLength / 4);
  return Array.from({ length: values.length / 3 }, (_, pixel) =>
    [...values.subarray(pixel * 3, pixel * 3 + 3)].map((value) => Math.round(value * 255)),
  );
}

/** Red or blue, whichever a pixel has more of: bicubic resizing blurs edges. */
const coloursOf = (pixels: number[][]) =>
  pixels.map(([red = 0, , blue = 0]) => (red > blue ? "red" : "blue")).join(" ");

async function refusalOf(bytes: Uint8Array): Promise<BrokerError> {
  const error: unknown = await decoder.decode(bytes, input).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(BrokerError);
  return error as BrokerError;
}

describe("what a picture becomes", () => {
  test.each(["jpeg", "png", "webp", "avif", "gif"] as const)("a %s is decoded and resized", async (format) => {
    const bytes = await plain(32, 16, RED).toFormat(format, { quality: 100 }).toBuffer();
    const pixels = await pixelsOf(bytes);
    expect(pixels).toHaveLength(8);
    for (const [red, green, blue] of pixels) {
      expect(red).toBeGreaterThanOrEqual(250);
      expect(green).toBeLessThanOrEqual(5);
      expect(blue).toBeLessThanOrEqual(5);
    }
  });

  test("NCHW holds one plane a channel, NHWC one pixel after the other, both normalised", async () => {
    const bytes = await twoHalves(4, 2).png().toBuffer();
    const mean: ImageInput["mean"] = [0.5, 0.25, 0];
    const std: ImageInput["std"] = [0.5, 0.25, 2];
    const planar = await decoder.decode(bytes, { ...input, mean, std, layout: "NCHW" });
    const red = [1, 1, -1, -1];
    const green = [-1, -1, -1, -1];
    const blue = [0, 0, 0.5, 0.5];
    expect({ datatype: planar.datatype, shape: planar.shape }).toEqual({ datatype: "FP32", shape: [3, 2, 4] });
    expect([...new Float32Array(planar.data.slice().buffer)]).toEqual([red, red, green, green, blue, blue].flat());
    const interleaved = await decoder.decode(bytes, { ...input, mean, std });
    const line = [0, 1, 2, 3].flatMap((x) => [red[x], green[x], blue[x]]);
    expect(interleaved.shape).toEqual([2, 4, 3]);
    expect([...new Float32Array(interleaved.data.slice().buffer)]).toEqual([...line, ...line]);
  });

  test("cover keeps the aspect ratio and cuts the sides, fill does not", async () => {
    const sides = await plain(60, 10, BLUE)
      .composite([{ input: { create: { width: 20, height: 10, channels: 3, background: RED } }, gravity: "centre" }])
      .png()
      .toBuffer();
    expect(coloursOf(await pixelsOf(sides, { width: 2, height: 1, fit: "cover" }))).toBe("red red");
    expect(coloursOf(await pixelsOf(sides, { width: 6, height: 1, fit: "fill" }))).toBe("blue blue red red blue blue");
  });

  test("transparency becomes white, and half of it half white", async () => {
    const layer = (alpha: number) =>
      sharp({ create: { width: 8, height: 4, channels: 4, background: { ...RED, alpha } } })
        .png()
        .toBuffer();
    expect((await pixelsOf(await layer(0)))[0]).toEqual([255, 255, 255]);
    const [red, green, blue] = (await pixelsOf(await layer(0.5)))[0] ?? [];
    expect(red).toBe(255);
    expect(green).toBeCloseTo(127, -1);
    expect(blue).toBe(green);
  });

  test("a picture is turned as its EXIF orientation says", async () => {
    const halves = await twoHalves(8, 8).png().toBuffer();
    const clockwise = await sharp(halves).withMetadata({ orientation: 6 }).png().toBuffer();
    const tall = { width: 1, height: 2 };
    expect(coloursOf(await pixelsOf(clockwise, tall))).toBe("red blue");
    expect(coloursOf(await pixelsOf(halves, { width: 2, height: 1 }))).toBe("red blue");
  });

  test("grey becomes three equal channels", async () => {
    const grey = await plain(8, 4, { r: 100, g: 100, b: 100 }).toColourspace("b-w").png().toBuffer();
    expect((await sharp(grey).metadata()).channels).toBe(1);
    expect((await pixelsOf(grey))[0]).toEqual([100, 100, 100]);
  });

  test("16 bits a channel become 8", async () => {
    const deep = await plain(8, 4, { r: 200, g: 100, b: 50 }).toColourspace("rgb16").png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe("ushort");
    expect((await pixelsOf(deep))[0]).toEqual([200, 100, 50]);
  });

  test("CMYK becomes RGB", async () => {
    const printed = await plain(16, 8, { r: 255, g: 255, b: 255 })
      .toColourspace("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(printed).metadata()).channels).toBe(4);
    for (const value of (await pixelsOf(printed))[0] ?? []) expect(value).toBeGreaterThan(250);
  });

  test("of an animation the first frame is taken", async () => {
    const frames = await Promise.all([RED, BLUE].map((colour) => plain(8, 4, colour).png().toBuffer()));
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).toBe(2);
    expect((await pixelsOf(animation))[0]).toEqual([255, 0, 0]);
  });
});

describe("what is refused", () => {
  test.each(["jpeg", "png", "webp", "avif", "gif"] as const)("a %s that is cut off", async (format) => {
    const bytes = await noise().toFormat(format).toBuffer();
    for (const share of [0.05, 0.5, 0.9]) {
      const error = await refusalOf(bytes.subarray(0, Math.floor(bytes.length * share)));
      expect(error.code, `${share} of the file`).toMatch(/^(image-corrupt|unsupported-image-type)$/);
    }
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["a text", Buffer.from("this is no picture at all, only a few words")],
    [
      "an SVG",
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'),
    ],
    ["a PDF", Buffer.from("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>")],
    ["a PPM", Buffer.from("P3 1 1 255 255 0 0\n")],
  ])("%s", async (_name, bytes) => {
    const error = await refusalOf(bytes);
    expect(error.code).toMatch(/^(unsupported-image-type|image-corrupt)$/);
    expect(error.message).toMatch(/^the picture cannot be decoded: /);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("a TIFF, which sharp can write but may not read", async () => {
    const bytes = await plain(8, 4, RED).tiff().toBuffer();
    expect((await refusalOf(bytes)).code).toBe("unsupported-image-type");
  });

  test("a small file that unpacks to more than 40 million pixels", async () => {
    const bomb = await plain(8000, 5001, RED).png({ compressionLevel: 9 }).toBuffer();
    expect(bomb.length).toBeLessThan(600_000);
    const error = await refusalOf(bomb);
    expect(error.code).toBe("image-too-large");
    expect(error.message).toMatch(/pixel/);
  });

  test("a picture that takes too long, and the next one is decoded all the same", async () => {
    const large = await plain(6_000, 6_000, RED).png({ compressionLevel: 9 }).toBuffer();
    const hasty = createImageDecoder({ concurrency: 1, maxDecodeMs: 20 });
    const error: unknown = await hasty.decode(large, input).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "image-processing-timeout" });
    const small = await plain(8, 4, RED).png().toBuffer();
    // On a full machine even a small one may take that long.
    await vi.waitFor(async () => expect((await hasty.decode(small, input)).shape).toEqual([2, 4, 3]), 10_000);
    expect((await decoder.decode(large, input)).shape).toEqual([2, 4, 3]);
  });
});
