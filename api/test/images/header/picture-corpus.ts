import sharp, { type Sharp } from "sharp";
import type { Random } from "../../../../bench/src/load/random.js";

/** A picture that is well made. */
export interface SamplePicture {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

const SIZE = { width: 48, height: 36 };

/** Detail everywhere, so that no part of a file is redundant. */
const noise = (channels: 3 | 4 = 3) =>
  sharp({
    create: { ...SIZE, channels, background: "#336699", noise: { type: "gaussian", mean: 128, sigma: 40 } },
  });

/** Pictures in every format and in all the kinds of each that sharp can write. */
export async function makeSamples(): Promise<SamplePicture[]> {
  const frame = () => noise().png().toBuffer();
  const frames = await Promise.all([frame(), frame(), frame()]);
  const animation = () => sharp(frames, { join: { animated: true } });
  const transparent = () => noise().ensureAlpha(0.5);
  const still: Record<string, Record<string, Sharp>> = {
    "image/jpeg": {
      baseline: noise().jpeg(),
      progressive: noise().jpeg({ progressive: true }),
      grey: noise().greyscale().jpeg(),
      CMYK: noise().toColourspace("cmyk").jpeg(),
      "full colour": noise().jpeg({ chromaSubsampling: "4:4:4" }),
      turned: noise().withMetadata({ orientation: 6 }).jpeg(),
      profile: noise().withIccProfile("p3").jpeg(),
      mozjpeg: noise().jpeg({ mozjpeg: true }),
    },
    "image/png": {
      colour: noise().png(),
      grey: noise().greyscale().png(),
      transparent: transparent().png(),
      palette: noise().png({ palette: true, colours: 16 }),
      interlaced: noise().png({ progressive: true }),
      "16 bits": noise().toColourspace("rgb16").png(),
      profile: noise().withIccProfile("p3").png(),
      EXIF: noise().withMetadata({ orientation: 3 }).png(),
    },
    "image/webp": {
      lossy: noise().webp(),
      lossless: noise().webp({ lossless: true }),
      transparent: transparent().webp(),
      "lossless transparent": transparent().webp({ lossless: true }),
      profile: noise().withIccProfile("p3").webp(),
      EXIF: noise().withMetadata({ orientation: 8 }).webp(),
    },
    "image/gif": { still: noise().gif(), "few colours": noise().gif({ colours: 4 }) },
    "image/avif": {
      lossy: noise().avif({ effort: 0 }),
      lossless: noise().avif({ effort: 0, lossless: true }),
      transparent: transparent().avif({ effort: 0 }),
      EXIF: noise().withMetadata({ orientation: 6 }).avif({ effort: 0 }),
    },
  };
  const made = Object.entries(still).flatMap(([type, kinds]) =>
    Object.entries(kinds).map(([name, picture]) => ({ type, name, picture, frames: 1 })),
  );
  made.push({ type: "image/gif", name: "animated", picture: animation().gif(), frames: 3 });
  made.push({ type: "image/webp", name: "animated", picture: animation().webp(), frames: 3 });
  return await Promise.all(
    made.map(async ({ picture, ...rest }) => ({ ...rest, ...SIZE, bytes: await picture.toBuffer() })),
  );
}

/** Ways to damage a file. */
const DAMAGES: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  // Some bytes, most often near the beginning, where the structure is.
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
      copy[Math.floor(random() ** 3 * copy.length)] = Math.floor(random() * 256);
    }
    return copy;
  },
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = Math.floor(random() ** 2 * copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    return copy;
  },
  (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
  (bytes, random) => {
    const from = Math.floor(random() * bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + Math.floor(random() * 64))]);
  },
  (bytes, random) => {
    const at = Math.floor(random() * bytes.length);
    const more = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 32) }, () => Math.floor(random() * 256)));
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  },
  // A number that is as large as can be.
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = Math.floor(random() ** 3 * copy.length);
    return copy.fill(random() < 0.5 ? 0xff : 0x00, at, at + 4);
  },
  // What follows the picture.
  (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + Math.floor(random() * 512), Math.floor(random() * 256))]),
];

/** One of the samples, damaged in one of these ways. */
export function damage(samples: readonly SamplePicture[], random: Random) {
  const sample = samples[Math.floor(random() * samples.length)];
  const way = DAMAGES[Math.floor(random() * DAMAGES.length)];
  if (!sample || !way) throw new Error("there are no samples");
  return { sample, bytes: way(sample.bytes, random) };
}
