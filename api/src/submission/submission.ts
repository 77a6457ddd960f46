import { type BatchClass, type Datatype, isPlainBucket } from "@sluice/broker";
import { z } from "zod";
import { isPlainKey } from "../images/s3-key.js";

/** How a result is shown. Not part of the computation: callers with different views share one run. */
export interface ViewOptions {
  /** Most labels of an output; the model's own number if absent. */
  readonly topK?: number | undefined;
  /** Labels below it are left out; the model's own threshold if absent. */
  readonly threshold?: number | undefined;
}

/** One row of input as it came, checked in form only. */
export type SubmittedInput =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "tensor";
      readonly datatype: Datatype;
      /** Of one row, without the batch dimension. */
      readonly shape: readonly number[];
      /** Elements, flat or nested as the shape says. */
      readonly data?: unknown;
      /** Raw little-endian elements instead. */
      readonly dataBase64?: string | undefined;
    }
  | SubmittedImage;

/** A picture; `declaredType` is the media type that came with the bytes, if one did. */
export interface SubmittedImage {
  readonly kind: "image";
  readonly bytes: Buffer;
  readonly declaredType?: string | undefined;
}

/** A picture that is to be fetched, from a URL or from S3. */
export type DistantImage =
  | { readonly kind: "image-url"; readonly url: string }
  | { readonly kind: "s3-object"; readonly bucket: string; readonly key: string };

/** What a request asks for, before models and limits are looked at. */
export interface Submission {
  readonly input: SubmittedInput;
  readonly model?: string | undefined;
  /** The caller's own name for itself; checked, and otherwise without effect while identity is off. */
  readonly clientId?: string | undefined;
  readonly priority: BatchClass;
  /** From admission until nobody wants the result; `queue.ttl_s` if absent. */
  readonly deadlineMs?: number | undefined;
  /** False: compute it, even if an equal task was or is computed. */
  readonly dedupe: boolean;
  readonly view: ViewOptions;
}

/** Longest deadline that a task may name: a day. */
const MAX_DEADLINE_MS = 86_400_000;

/** Fields that several routes have in their bodies. */
export const optionFields = {
  model: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]{0,63}$/, "must be the name of a model")
    .describe("one of `GET /models`; else the default for such inputs"),
  client_id: z
    .string()
    .regex(/^[\x20-\x7e]{1,200}$/, "must be 1 to 200 printable ASCII characters")
    .describe("the caller's own name for itself"),
  priority: z.enum(["now", "bulk"]).describe("`bulk` fills what `now` leaves empty in batches"),
  deadline_ms: z
    .int()
    .min(1)
    .max(MAX_DEADLINE_MS)
    .describe("from now until nobody wants the result; then the task is EXPIRED"),
  dedupe: z.boolean().describe("`false`: compute it, even if an equal task was or is computed"),
  top_k: z.int().min(1).max(10_000).describe("most labels of an output"),
  threshold: z.number().min(0).max(1).describe("labels below it are left out"),
};

/** The options of a submission, apart from its input. */
export const submissionOptions = z.strictObject(optionFields).partial();
/** Options as they stand in a body. */
export type SubmissionOptions = z.output<typeof submissionOptions>;
/** Their names, for forms and queries. */
export const OPTION_NAMES = Object.keys(optionFields);

const tensorInput = z.strictObject({
  datatype: z.enum(["BOOL", "UINT8", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"]),
  shape: z.array(z.number()).max(8),
  /** Checked element by element where it is encoded: a schema would be slow for a million numbers. */
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});
/** The ways in which a body can give a picture, or say where it is. */
export const imageFields = {
  image_base64: z.string().min(1).describe("a picture in Base64, or as a data URL"),
  image_url: z.string().min(1).describe("where a picture is fetched from"),
  s3: z.strictObject({
    bucket: z.string().refine(isPlainBucket, "must be the name of a bucket"),
    key: z.string().refine(isPlainKey, "must be a key without . and .. in its path, of at most 1,024 bytes"),
  }),
};
const imageInput = z.strictObject({ image_base64: imageFields.image_base64 });
const imageUrlInput = z.strictObject({ image_url: imageFields.image_url });
const s3Input = z.strictObject({ s3: imageFields.s3 });

/** A body whose input is text, a tensor or an image. Which one is chosen by the input, so that errors name the right field. */
export const textSubmission = submissionOptions.extend({
  input: z
    .string()
    .min(1, "must not be empty")
    .refine((text) => !/\p{Surrogate}/u.test(text), "has half of a surrogate pair"),
});
/** See {@link textSubmission}. */
export const tensorSubmission = submissionOptions.extend({ input: tensorInput });
/** See {@link textSubmission}. */
export const imageSubmission = submissionOptions.extend({ input: imageInput });
/** See {@link textSubmission}. */
export const imageUrlSubmission = submissionOptions.extend({ input: imageUrlInput });
/** See {@link textSubmission}. */
export const s3Submission = submissionOptions.extend({ input: s3Input });

/** Options as they stand in a body -> a submission of this input. */
export function toSubmission(input: SubmittedInput, options: SubmissionOptions): Submission {
  return {
    input,
    model: options.model,
    clientId: options.client_id,
    priority: options.priority ?? "now",
    deadlineMs: options.deadline_ms,
    dedupe: options.dedupe ?? true,
    view: { topK: options.top_k, threshold: options.threshold },
  };
}
