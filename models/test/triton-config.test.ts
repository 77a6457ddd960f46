import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { type LoadedModel, loadModels, tritonConfig } from "../src/index.js";
import { useTemporaryFolder, writeFiles } from "./temporary-folder.js";

const folder = useTemporaryFolder();

const network = {
  name: "network",
  version: "3",
  maxBatchSize: 16,
  instances: 2,
  input: { kind: "image", tensor: "IMAGE", width: 96, height: 64 },
  outputs: [
    { kind: "labels", name: "main", tensor: "MAIN", mode: "multi-class", labels: ["a", "b", "c"] },
    { kind: "tensor", name: "vector", tensor: 'odd"name', datatype: "FP16", dims: [2, -1] },
    { kind: "text", name: "caption", tensor: "CAPTION" },
  ],
  runtime: { backend: "onnx" },
};

async function loaded(modelFile: object): Promise<LoadedModel> {
  const files = { "network/model.onnx": "", "network/model.py": "" };
  await writeFiles(folder(), { ...files, "network/model.json": { ...network, ...modelFile } });
  const [model] = await loadModels(folder(), { includeTest: true });
  if (model === undefined) throw new Error("no model was loaded");
  return model;
}

describe("config.pbtxt", () => {
  test("of an ONNX model on the Python backend names our script's backend and the graph's tensors", async () => {
    expect(tritonConfig(await loaded({}), "python")).toBe(
      `# Made from model.json; changes here are overwritten.
name: "network"
backend: "python"
max_batch_size: 16
version_policy: { specific: { versions: [ 3 ] } }
input [
  { name: "IMAGE", data_type: TYPE_FP32, dims: [ 3, 64, 96 ] }
]
output [
  { name: "MAIN", data_type: TYPE_FP32, dims: [ 3 ] },
  { name: "odd\\"name", data_type: TYPE_FP16, dims: [ 2, -1 ] },
  { name: "CAPTION", data_type: TYPE_STRING, dims: [ 1 ] }
]
instance_group [{ kind: KIND_CPU, count: 2 }]
parameters { key: "batch_dimension" value { string_value: "dynamic" } }
`,
    );
  });

  test("of the same model on onnxruntime differs in what runs it, and in nothing that a caller sees", async () => {
    const model = await loaded({});
    const python = tritonConfig(model, "python").split("\n");
    const onnxruntime = tritonConfig(model, "onnxruntime").split("\n");
    expect(python.filter((line) => !onnxruntime.includes(line))).toEqual([
      'backend: "python"',
      "instance_group [{ kind: KIND_CPU, count: 2 }]",
      'parameters { key: "batch_dimension" value { string_value: "dynamic" } }',
    ]);
    expect(onnxruntime.filter((line) => !python.includes(line))).toEqual([
      'backend: "onnxruntime"',
      "instance_group [{ kind: KIND_AUTO, count: 2 }]",
    ]);
  });

  test("of a script is the same for both", async () => {
    const model = await loaded({ runtime: { backend: "python" }, input: { kind: "text", tensor: "TEXT" } });
    const config = tritonConfig(model, "python");
    expect(config).toContain('{ name: "TEXT", data_type: TYPE_STRING, dims: [ 1 ] }');
    expect(tritonConfig(model, "onnxruntime")).toBe(config);
  });

  test("of a graph with a fixed batch of one has whole shapes on onnxruntime, and is refused there with more", async () => {
    const fixed = { runtime: { backend: "onnx", batchDimension: "one" } };
    const model = await loaded({ ...fixed, maxBatchSize: 1 });
    const config = tritonConfig(model, "onnxruntime");
    expect(config).toContain("max_batch_size: 0\n");
    expect(config).toContain('{ name: "IMAGE", data_type: TYPE_FP32, dims: [ 1, 3, 64, 96 ] }');
    expect(config).toContain('{ name: "MAIN", data_type: TYPE_FP32, dims: [ 1, 3 ] }');

    const batched = await loaded(fixed);
    expect(tritonConfig(batched, "python")).toContain("max_batch_size: 16\n");
    expect(() => tritonConfig(batched, "onnxruntime")).toThrow(
      `${join(folder(), "network/model.json")}: /maxBatchSize must be 1`,
    );
  });

  test("takes type and shape of a tensor from model.json where they do not follow from its kind", async () => {
    const tensors = {
      IMAGE: { datatype: "UINT8", dims: [64, 96, 3] },
      MAIN: { datatype: "FP32", dims: [3, 1, 1] },
    };
    const config = tritonConfig(await loaded({ tensors }), "python");
    expect(config).toContain('{ name: "IMAGE", data_type: TYPE_UINT8, dims: [ 64, 96, 3 ] }');
    expect(config).toContain('{ name: "MAIN", data_type: TYPE_FP32, dims: [ 3, 1, 1 ] }');
  });

  test("hands a script its parameters", async () => {
    const runtime = { backend: "python", parameters: { call_ms: "20", words: 'one "two"' } };
    const config = tritonConfig(await loaded({ runtime }), "python");
    expect(config).toContain('parameters { key: "call_ms" value { string_value: "20" } }\n');
    expect(config).toContain('parameters { key: "words" value { string_value: "one \\"two\\"" } }\n');
    expect(tritonConfig(await loaded({ runtime }), "onnxruntime")).toBe(config);
  });

  test("lays pictures out as the model wants them", async () => {
    const config = tritonConfig(await loaded({ input: { ...network.input, layout: "NHWC" } }), "python");
    expect(config).toContain('{ name: "IMAGE", data_type: TYPE_FP32, dims: [ 64, 96, 3 ] }');
  });

  test("leaves batching to Sluice", async () => {
    for (const flavour of ["python", "onnxruntime"] as const) {
      expect(tritonConfig(await loaded({}), flavour)).not.toMatch(/dynamic_batching|sequence_batching/);
    }
  });
});
