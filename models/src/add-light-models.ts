import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { BrokerError } from "@sluice/broker";
import { z } from "zod";

/** The same file from src/ and from dist/. */
const FETCH_SCRIPT = fileURLToPath(new URL("../python/fetch_light_models.py", import.meta.url));

/** Networks of the onnx package that we know: real topologies of which every weight is a constant. */
export type LightModelName = "light_resnet50" | "light_squeezenet" | "light_shufflenet";

/** A network whose answer is known from outside of this project. */
export interface LightModel {
  readonly name: LightModelName;
  /** Of one row: float32 values in row-major order and their shape, without the batch dimension. */
  readonly input: { readonly shape: readonly number[]; readonly values: Float32Array };
  readonly expected: { readonly shape: readonly number[]; readonly values: Float32Array };
}

/**
 * Makes `folder` a folder of models (for `loadModels` with `includeTest`) with the light networks of the onnx package,
 * which is downloaded (9 MB) unless they are there. The graphs compute as much as the real networks do, yet their
 * weights are such that the answer is the same for every finite input: it proves names, types, shapes and that the
 * network ran, but not which input it got.
 * @param options.python a Python that has pip and onnxruntime: the one that Triton uses.
 * @throws BrokerError `internal` with the script's output as its cause if they cannot be fetched.
 */
export async function addLightModels(options: {
  readonly python: string;
  readonly folder: string;
  readonly names: readonly LightModelName[];
}): Promise<LightModel[]> {
  const { python, folder, names } = options;
  const present = await Promise.all(names.map((name) => isThere(join(folder, name, "model.json"))));
  const missing = names.filter((_, index) => present[index] !== true);
  if (missing.length > 0) await fetchModels(python, folder, missing);
  return Promise.all(names.map((name) => readLightModel(name, join(folder, name))));
}

async function fetchModels(python: string, folder: string, names: readonly LightModelName[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const unfinished = await mkdtemp(join(folder, ".fetching-"));
  try {
    await promisify(execFile)(python, [FETCH_SCRIPT, unfinished, ...names]);
    for (const name of names) {
      const facts = await readFacts(join(unfinished, name));
      await writeFile(join(unfinished, name, "model.json"), JSON.stringify(modelFileOf(name, facts), undefined, 2));
      await moveUnlessThere(join(unfinished, name), join(folder, name));
    }
  } catch (cause) {
    throw BrokerError.from(cause, "internal", `the networks ${names.join(", ")} could not be fetched`);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** What fetch_light_models.py tells of a network. Shapes begin with the batch dimension, which is 1. */
const factsSchema = z.object({
  input: z.object({ name: z.string(), shape: z.array(z.int()) }),
  output: z.object({ name: z.string(), shape: z.array(z.int()) }),
  expected: z.array(z.number()),
});

async function readFacts(folder: string): Promise<z.output<typeof factsSchema>> {
  return factsSchema.parse(JSON.parse(await readFile(join(folder, "facts.json"), "utf8")));
}

function modelFileOf(name: LightModelName, { input, output }: z.output<typeof factsSchema>): object {
  const tensor = { kind: "tensor", datatype: "FP32" };
  return {
    name,
    description: "Topology of a known network with constant weights, from the onnx package.",
    test: true,
    maxBatchSize: 8,
    input: { ...tensor, tensor: input.name, dims: input.shape.slice(1) },
    outputs: [{ ...tensor, name: "answer", tensor: output.name, dims: output.shape.slice(1) }],
    runtime: { backend: "onnx", file: "model.onnx", batchDimension: "one" },
  };
}

/** Whoever comes second finds the same files there. */
async function moveUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(await isThere(join(to, "model.json")))) throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readLightModel(name: LightModelName, folder: string): Promise<LightModel> {
  const { input, output, expected } = await readFacts(folder);
  const inputShape = input.shape.slice(1);
  return {
    name,
    input: { shape: inputShape, values: risingValues(inputShape.reduce((product, length) => product * length, 1)) },
    expected: { shape: output.shape.slice(1), values: Float32Array.from(expected) },
  };
}

/** The input to which the expected output belongs: i / count (`generate_dummy_data` in onnx/backend/test/runner). */
function risingValues(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => index / count);
}
