import { BrokerError, modelDefinitionSchema } from "@sluice/broker";
import { z } from "zod";

/** A file beside model.json: no folders, so that nothing outside the model's own folder can be named. */
const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, "must be the name of a file beside model.json");

/** Files beside the model that it reads at run time: copied next to it under the same names. */
const files = z.array(fileName).default([]);
const runtime = z.discriminatedUnion("backend", [
  /** A script for Triton's Python backend, which finds its `parameters` in the configuration that it is given. */
  z.strictObject({
    backend: z.literal("python"),
    script: fileName.default("model.py"),
    files,
    parameters: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.string()).default({}),
  }),
  z.strictObject({
    backend: z.literal("onnx"),
    file: fileName.default("model.onnx"),
    files,
    /** `one`: the graph's first dimension is 1 instead of free, so rows run one by one. */
    batchDimension: z.enum(["dynamic", "one"]).default("dynamic"),
  }),
]);

const registered = modelDefinitionSchema.shape;
const [labelsOutput, textOutput, tensorOutput] = registered.outputs.element.options;
const registeredLabels = labelsOutput.shape.labels;
const [textExample, tensorExample, inlineImageExample] = registered.example.unwrap().options;

const modelFileFields = modelDefinitionSchema.extend({
  outputs: z
    .array(
      z.discriminatedUnion("kind", [
        /** Labels are a list, or a file that holds one a line. */
        labelsOutput.extend({ labels: z.union([fileName, registeredLabels]) }),
        textOutput,
        tensorOutput,
      ]),
    )
    .min(1),
  example: z.union([textExample, tensorExample, inlineImageExample, z.strictObject({ image: fileName })]).optional(),
  runtime,
  /** How many copies run side by side: each costs its memory, and on a CPU they share the cores. */
  instances: z.int().min(1).max(64).default(1),
  /** Used by tests and benchmarks only, never registered in production. */
  test: z.boolean().default(false),
  /**
   * Tensors whose type or shape does not follow from their kind, by name, for one row. What follows: texts are BYTES [1],
   * pictures FP32 [3, height, width] or [height, width, 3], labels FP32 [number of labels].
   */
  tensors: z
    .record(z.string(), z.strictObject({ datatype: tensorOutput.shape.datatype, dims: tensorOutput.shape.dims }))
    .default({}),
});

/** What stands in `models/NAME/model.json`: the registered definition, with files in place of long values, and how Triton runs it. */
export const modelFileSchema = modelFileFields.check(({ value: file, issues }) => {
  const taken = new Set<string>();
  file.outputs.forEach((output, index) => {
    if (taken.has(output.name)) {
      const path = ["outputs", index, "name"];
      issues.push({ code: "custom", input: file, path, message: `is the name of two outputs, ${output.name}` });
    }
    taken.add(output.name);
  });
  const tensors = new Set([file.input.tensor, ...file.outputs.map((output) => output.tensor)]);
  for (const name of Object.keys(file.tensors).filter((name) => !tensors.has(name))) {
    issues.push({ code: "custom", input: file, path: ["tensors", name], message: "is no tensor of this model" });
  }
});

/** A checked model.json, all defaults filled in. */
export type ModelFile = z.output<typeof modelFileSchema>;

/**
 * Checks the text of a model.json.
 * @param path names the file in errors.
 * @throws BrokerError `config-invalid`; `details.problems` holds every problem as `{pointer, message}` (RFC 6901).
 */
export function parseModelFile(text: string, path: string): ModelFile {
  return checkModel(modelFileSchema, parseJson(text, path), path);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BrokerError("config-invalid", `${path} is not JSON: ${String(cause)}`, {
      cause,
      details: { file: path },
    });
  }
}

/** Parses `value` with `schema`; throws like {@link parseModelFile}. */
export function checkModel<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidModel(path, parsed.error.issues.flatMap(problemsOf));
}

/** One thing that is wrong in a model.json, and where (JSON pointer). */
export interface ModelProblem {
  readonly pointer: string;
  readonly message: string;
}

/** The error for a model.json with problems. */
export function invalidModel(path: string, problems: readonly ModelProblem[]): BrokerError {
  const lines = problems.map(({ pointer, message }) => `${pointer === "" ? "/" : pointer} ${message}`);
  return new BrokerError("config-invalid", `${path}: ${lines.join("; ")}`, { details: { file: path, problems } });
}

/** An unknown field is reported at its own pointer instead of at its parent's. */
function problemsOf(issue: z.core.$ZodIssue): ModelProblem[] {
  const path = issue.path;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: pointerOf([...path, key]), message: "is not a known field" }));
  }
  return [{ pointer: pointerOf(path), message: issue.message }];
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
