import sharp from "sharp";
import { createRandom, type Random } from "../load/random.js";
import { type PictureSize, sceneSvg } from "./scene-svg.js";

/** Which pictures. */
export interface PictureOptions extends PictureSize {
  readonly count: number;
  readonly seed: number;
}

/** Standard deviation of the noise: what a cheap camera leaves, and what makes a JPEG as large as a photograph's. */
const NOISE = 6;

/** JPEGs that all differ, the same for the same seed. */
export async function makePictures({ count, seed, ...size }: PictureOptions): Promise<Buffer[]> {
  const random = createRandom(seed);
  const noise = createNoise(random, size.width * size.height * 3 * 2);
  const pictures: Buffer[] = [];
  for (let index = 0; index < count; index++) pictures.push(await makePicture(size, random, noise));
  return pictures;
}

async function makePicture(size: PictureSize, random: Random, noise: Int8Array): Promise<Buffer> {
  const scene = sharp(Buffer.from(sceneSvg(size, random))).removeAlpha();
  const { data, info } = await scene.raw().toBuffer({ resolveWithObject: true });
  const from = Math.floor(random() * (noise.length - data.length));
  const noisy = Uint8ClampedArray.from(data, (value, at) => value + (noise[from + at] ?? 0));
  const raw = { width: info.width, height: info.height, channels: info.channels };
  return await sharp(noisy, { raw }).jpeg({ quality: 85 }).toBuffer();
}

/** Made once and entered anywhere: the sum of three uniform numbers is near enough to a normal one. */
function createNoise(random: Random, length: number): Int8Array {
  // Three numbers in 0..1 have a standard deviation of 0.5 together.
  return Int8Array.from({ length }, () => Math.round((random() + random() + random() - 1.5) * 2 * NOISE));
}
