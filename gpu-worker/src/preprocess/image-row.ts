import type { ModelInput } from "@sluice/broker";
import sharp from "sharp";
import type { RowTensor } from "../triton/row-tensor.js";
import { decodeFailure, decodeTimeout } from "./decode-failure.js";
import { normalisePixels } from "./normalise-pixels.js";
import { createSemaphore } from "./semaphore.js";

/** What an image model takes. */
export type ImageInput = Extract<ModelInput, { kind: "image" }>;

/** Turns pictures into rows. */
export interface ImageDecoder {
  /**
   * Decodes a JPEG, PNG, WebP, AVIF or GIF (its first frame), turns it as its EXIF orientation says, puts it on white,
   * converts it to sRGB, resizes it (bicubic) and normalises its pixels: FP32, [3, height, width] or [height, width, 3].
   * @throws BrokerError unsupported-image-type (anything else) | image-corrupt (cut off or damaged) | image-too-large
   * (more than 40 million pixels) | image-processing-timeout (5 s of decoding)
   */
  decode(bytes: Uint8Array, input: ImageInput): Promise<RowTensor>;
}

/** Limits on what one picture may cost: a few kilobytes can describe gigapixels, or take minutes to unpack. */
const MAX_PIXELS = 40_000_000;
const MAX_DECODE_MS = 5_000;

/** libvips' decoders for the formats that we promise; the rest of its long list (SVG, PDF...) stays shut. */
const LOADERS = ["Jpeg", "Png", "Webp", "Heif", "Nsgif"].map((format) => `VipsForeignLoad${format}`);

/** How much a decoder may do. */
export interface DecoderOptions {
  /** Pictures at a time. */
  readonly concurrency: number;
  /** For one picture, from when its turn came. Default 5 s. */
  readonly maxDecodeMs?: number;
}

/**
 * A decoder for at most `concurrency` pictures at a time.
 * Sets sharp up for the whole process: one thread a picture (they run side by side anyway), and no cache, since no
 * operation comes twice.
 */
export function createImageDecoder({ concurrency, maxDecodeMs = MAX_DECODE_MS }: DecoderOptions): ImageDecoder {
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: LOADERS });
  const whenFree = createSemaphore(concurrency);
  return {
    decode: async (bytes, input) => {
      // libvips looks at its own time-out only now and then: who waits is freed at once, the place when it has stopped.
      const pixels = await new Promise<Uint8Array>((resolve, reject) => {
        const decodeInTime = async () => {
          const timer = setTimeout(() => reject(decodeTimeout(maxDecodeMs)), maxDecodeMs);
          return await decodePixels(bytes, input, maxDecodeMs).finally(() => clearTimeout(timer));
        };
        whenFree(decodeInTime).then(resolve, reject);
      });
      const { layout, height, width } = input;
      const shape = layout === "NCHW" ? [3, height, width] : [height, width, 3];
      return { datatype: "FP32", shape, data: normalisePixels(pixels, input) };
    },
  };
}

/** Interleaved RGB, one byte a channel, of the size that the model takes. */
async function decodePixels(bytes: Uint8Array, input: ImageInput, maxMs: number): Promise<Uint8Array> {
  const { width, height, fit } = input;
  try {
    // "error" refuses what is cut off, but takes pictures that cameras wrote with harmless flaws.
    return await sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS, autoOrient: true })
      .timeout({ seconds: Math.ceil(maxMs / 1_000) })
      .flatten({ background: "#ffffff" })
      .resize(width, height, { fit, kernel: "cubic" })
      .raw({ depth: "uchar" })
      .toBuffer();
  } catch (cause) {
    throw decodeFailure(cause);
  }
}
