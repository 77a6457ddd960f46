import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../../bench/src/load/random.js";
import { createImageDecoder, type ImageInput } from "../../../../gpu-worker/src/preprocess/image-row.js";
import { checkImage } from "../../../src/images/header/check-image.js";
import { damage, makeSamples, type SamplePicture } from "./picture-corpus.js";

/** 5,000 and more with `SLUICE_PICTURES=5000`; the seed says which. */
const PICTURES = Number(process.env["SLUICE_PICTURES"] ?? 700);
const SEED = Number(process.env["SLUICE_SEED"] ?? 1);

const decoder = createImageDecoder({ concurrency: 2 });
const MODEL_INPUT: ImageInput = {
  kind: "image",
  tensor: "IMAGE",
  width: 32,
  height: 32,
  fit: "fill",
  layout: "NHWC",
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

let samples: SamplePicture[] = [];
beforeAll(async () => {
  samples = await makeSamples();
});

const codeOf = (error: unknown) => String((error as { code?: unknown }).code ?? error);

function headerSays(bytes: Buffer): string {
  try {
    checkImage(bytes);
    return "taken";
  } catch (error) {
    return codeOf(error);
  }
}

async function workerSays(bytes: Buffer): Promise<string> {
  try {
    await decoder.decode(bytes, MODEL_INPUT);
    return "taken";
  } catch (error) {
    return codeOf(error);
  }
}

/** Whether it decodes without even a warning. */
async function isFlawless(bytes: Buffer): Promise<boolean> {
  return await sharp(bytes, { failOn: "warning" })
    .resize(32, 32)
    .raw()
    .toBuffer()
    .then(() => true)
    .catch(() => false);
}

const CODES = ["taken", "unsupported-image-type", "image-corrupt", "image-too-large"];

describe("the check of headers and the decoder of the worker", () => {
  test("agree on every kind of picture that is well made", async () => {
    for (const { name, type, bytes } of samples) {
      expect(`${type} ${name}: ${headerSays(bytes)}, ${await workerSays(bytes)}`).toBe(`${type} ${name}: taken, taken`);
    }
  });

  test("never fail otherwise than by their codes, and the check refuses next to nothing that decodes", async () => {
    const random = createRandom(SEED);
    const counts = { bothTake: 0, bothRefuse: 0, onlyDecoderRefuses: 0, onlyCheckRefuses: 0 };
    let flawlessRefused = 0;
    for (let i = 0; i < PICTURES; i++) {
      const { bytes } = damage(samples, random);
      const [header, worker] = [headerSays(bytes), await workerSays(bytes)];
      expect(CODES, `picture ${i} of seed ${SEED}`).toContain(header);
      expect(CODES, `picture ${i} of seed ${SEED}`).toContain(worker);
      if (header === "taken") counts[worker === "taken" ? "bothTake" : "onlyDecoderRefuses"]++;
      else counts[worker === "taken" ? "onlyCheckRefuses" : "bothRefuse"]++;
      if (header !== "taken" && worker === "taken" && (await isFlawless(bytes))) flawlessRefused++;
    }
    console.info(`${PICTURES} damaged pictures: ${JSON.stringify({ ...counts, flawlessRefused })}`);
    // What is left are PNGs whose end mark alone is cut off, and animations that are damaged behind their first frame.
    expect(flawlessRefused / PICTURES).toBeLessThanOrEqual(0.003);
    // The check is worth its time.
    expect(counts.bothRefuse).toBeGreaterThan(counts.onlyDecoderRefuses);
  }, 600_000);
});
