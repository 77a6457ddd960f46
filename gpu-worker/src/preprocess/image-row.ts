import { BrokerError, type ModelInput } from "@sluice/broker";
import sharp from "sharp";
import type { RowTensor } from "../triton/row-tensor.js";
import { normalisePixels } from "./normalise-pixels.js";
import { createSemaphore } from "./semaphore.js";

/** What an image model takes. */
export type ImageInput = Extract<ModelInput, { kind: "image" }>;

/** Turns pictures into rows. */
export interface ImageDecoder {
  /**
   * Decodes a JPEG, PNG, WebP, AVIF or GIF (its first frame), turns it as its EXIF orientation says, puts it on white,
   * converts it to sRGB, resizes it (bicubic) and normalises its pixels: FP32, [3, height, width] or [height, width, 3].
   * @throws BrokerError input-rejected for anything else, for a picture that is cut off or damaged, has more than
   * 40 million pixels, or takes longer than 5 s to decode.
   */
  decode(bytes: Uint8Array, input: ImageInput): Promise<RowTensor>;
}

/** Limits on what one picture may cost: a few kilobytes can describe gigapixels, or take minutes to unpack. */
const MAX_PIXELS = 40_000_000;
const MAX_SECONDS = 5;

/** libvips' decoders for the formats that we promise; the rest of its long list (SVG, PDF...) stays shut. */
const LOADERS = ["Jpeg", "Png", "Webp", "Heif", "Nsgif"].map((format) => `VipsForeignLoad${format}`);

/**
 * A decoder for at most `concurrency` pictures at a time.
 * Sets sharp up for the whole process: one thread a picture (they run side by side anyway), and no cache, since no
 * operation comes twice.
 */
export function createImageDecoder({ concurrency }: { readonly concurrency: number }): ImageDecoder {
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({ operation: LOADERS });
  const whenFree = createSemaphore(concurrency);
  return {
    decode: async (bytes, input) => {
      const pixels = await whenFree(() => decodePixels(bytes, input));
      const { layout, height, width } = input;
      const shape = layout === "NCHW" ? [3, height, width] : [height, width, 3];
      return { datatype: "FP32", shape, data: normalisePixels(pixels, input) };
    },
  };
}

/** Interleaved RGB, one byte a channel, of the size that the model takes. */
async function decodePixels(bytes: Uint8Array, input: ImageInput): Promise<Uint8Array> {
  try {
    return await resizePicture(bytes, input);
  } catch (cause) {
    throw new BrokerError("input-rejected", `the picture cannot be decoded: ${firstLine(cause)}`, { cause });
  }
}

function resizePicture(bytes: Uint8Array, { width, height, fit }: ImageInput): Promise<Buffer> {
  // "error" refuses what is cut off, but takes pictures that cameras wrote with harmless flaws.
  return sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS, autoOrient: true })
    .timeout({ seconds: MAX_SECONDS })
    .flatten({ background: "#ffffff" })
    .resize(width, height, { fit, kernel: "cubic" })
    .raw({ depth: "uchar" })
    .toBuffer();
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
