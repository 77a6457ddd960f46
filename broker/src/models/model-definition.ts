import { z } from "zod";

/** Names of models, pools and zones: they become parts of Redis keys and of metric labels. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const name = z.string().regex(NAME_PATTERN);
const datatype = z.enum(["BOOL", "UINT8", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"]);
/** Dimensions of one row, without the batch dimension; -1 is a dimension that each row chooses. */
const dims = z.array(z.int().min(-1)).max(8);

const textInput = z.strictObject({
  kind: z.literal("text"),
  tensor: z.string(),
  maxBytes: z.int().positive().default(1_000_000),
});
const tensorInput = z.strictObject({ kind: z.literal("tensor"), tensor: z.string(), datatype, dims });
const imageInput = z.strictObject({
  kind: z.literal("image"),
  tensor: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  /** `cover` scales until the picture fills the size and cuts the rest (centre), `fill` ignores the aspect ratio. */
  fit: z.enum(["cover", "fill"]).default("cover"),
  layout: z.enum(["NCHW", "NHWC"]).default("NCHW"),
  /** Per channel (red, green, blue) of a pixel in 0..1: `(pixel - mean) / std`. */
  mean: z.tuple([z.number(), z.number(), z.number()]).default([0, 0, 0]),
  std: z.tuple([z.number(), z.number(), z.number()]).default([1, 1, 1]),
});

const scoredLabels = {
  kind: z.literal("labels"),
  /** The key under which this output stands in answers. */
  name,
  tensor: z.string(),
  /** Label of each score, in the order of the tensor. */
  labels: z.array(z.string()).min(1),
  /** Labels below it are left out. */
  threshold: z.number().min(0).max(1).default(0),
  topK: z.int().positive().default(5),
  /** The tensor, also an output of kind `tensor`, with four numbers for each label: its box, passed on as it is. */
  boxes: z.string().optional(),
};
const output = z.discriminatedUnion("kind", [
  z.strictObject({ ...scoredLabels, mode: z.enum(["multi-class", "multi-label", "binary"]) }),
  /** One BYTES element a row, shown as a string. */
  z.strictObject({ kind: z.literal("text"), name, tensor: z.string() }),
  z.strictObject({ kind: z.literal("tensor"), name, tensor: z.string(), datatype, dims }),
]);

const example = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({ shape: z.array(z.int().nonnegative()), data: z.array(z.number()) }),
  z.strictObject({ imageBase64: z.string() }),
]);

/**
 * A model as every role knows it: the JSON value of one field of `sluice:models`.
 * It is made from `models/NAME/model.json` with the label files and the example picture put in.
 */
export const modelDefinitionSchema = z.strictObject({
  name,
  description: z.string().default(""),
  version: z
    .string()
    .regex(/^[0-9]{1,9}$/)
    .default("1"),
  pool: name.default("default"),
  framework: z.string().default("python"),
  /** The model that answers when a request names none and its input is of this kind. */
  defaultFor: z.enum(["text", "tensor", "image"]).optional(),
  input: z.discriminatedUnion("kind", [textInput, tensorInput, imageInput]),
  outputs: z.array(output).min(1),
  /** The largest batch that the model takes; the batcher's own limit may be lower. */
  maxBatchSize: z.int().min(1).max(4096).default(64),
  /** Whose requests may share one computation: everybody's, or only those of the same caller. */
  scope: z.enum(["all", "owner"]).default("all"),
  /** How long a result answers later requests with the same input, in seconds; the dedupe window if absent. */
  cacheTtlS: z.int().nonnegative().optional(),
  /** An input that is known to work: tells a broken model from a bad input. */
  example: example.optional(),
  /** Figures measured on held-out data, shown by GET /models. */
  metrics: z.record(z.string(), z.number()).default({}),
});

/** A checked model definition, all defaults filled in. */
export type ModelDefinition = z.output<typeof modelDefinitionSchema>;
/** What a model takes. */
export type ModelInput = ModelDefinition["input"];
/** One thing that a model answers. */
export type ModelOutput = ModelDefinition["outputs"][number];
/** Element types of tensors, by their names in the KServe v2 protocol. */
export type Datatype = z.output<typeof datatype>;
