import { BrokerError } from "@sluice/broker";
import { describe, expect, test } from "vitest";

import { parseModelFile } from "../src/index.js";

const smallest = {
  name: "colours",
  input: { kind: "image", tensor: "IMAGE", width: 8, height: 8 },
  outputs: [{ kind: "labels", name: "colour", tensor: "SCORES", mode: "multi-class", labels: "labels.txt" }],
  runtime: { backend: "onnx" },
};

const parse = (value: unknown) => parseModelFile(JSON.stringify(value), "colours/model.json");

/** Pointer -> message of everything that is wrong. */
function problemsOf(text: string): Record<string, string> {
  try {
    parseModelFile(text, "colours/model.json");
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== "config-invalid") throw error;
    expect(error.message).toContain("colours/model.json");
    const problems = error.details["problems"] as { pointer: string; message: string }[];
    for (const { pointer } of problems) expect(error.message).toContain(pointer);
    return Object.fromEntries(problems.map(({ pointer, message }) => [pointer, message]));
  }
  return {};
}
const problemsWith = (changes: Record<string, unknown>) => problemsOf(JSON.stringify({ ...smallest, ...changes }));

describe("a model.json", () => {
  test("that says only what must be said gets all defaults", () => {
    expect(parse(smallest)).toEqual({
      name: "colours",
      description: "",
      version: "1",
      pool: "default",
      framework: "python",
      input: {
        kind: "image",
        tensor: "IMAGE",
        width: 8,
        height: 8,
        fit: "cover",
        layout: "NCHW",
        mean: [0, 0, 0],
        std: [1, 1, 1],
      },
      outputs: [
        {
          kind: "labels",
          name: "colour",
          tensor: "SCORES",
          mode: "multi-class",
          labels: "labels.txt",
          threshold: 0,
          topK: 5,
        },
      ],
      maxBatchSize: 64,
      scope: "all",
      metrics: {},
      runtime: { backend: "onnx", file: "model.onnx", files: [], batchDimension: "dynamic" },
      instances: 1,
      test: false,
      tensors: {},
    });
  });

  test("may hold its labels, name its script, and give an example picture by file", () => {
    const file = parse({
      ...smallest,
      outputs: [{ ...smallest.outputs[0], labels: ["red", "blue"] }],
      example: { image: "example.jpg" },
      runtime: { backend: "python", script: "colours.py", files: ["weights.npz"] },
      tensors: { SCORES: { datatype: "FP16", dims: [2, 1, 1] } },
    });
    expect(file.outputs[0]).toMatchObject({ labels: ["red", "blue"] });
    expect(file.example).toEqual({ image: "example.jpg" });
    expect(file.runtime).toEqual({ backend: "python", parameters: {}, script: "colours.py", files: ["weights.npz"] });
    expect(file.tensors).toEqual({ SCORES: { datatype: "FP16", dims: [2, 1, 1] } });
  });

  test("with a field that is not known is refused, at the pointer of the field", () => {
    const unknown = "is not a known field";
    expect(problemsWith({ dynamicBatching: true })).toEqual({ "/dynamicBatching": unknown });
    expect(problemsWith({ input: { ...smallest.input, "a/b~c": 1 } })).toEqual({ "/input/a~1b~0c": unknown });
    expect(problemsWith({ runtime: { backend: "onnx", script: "model.py" } })).toEqual({ "/runtime/script": unknown });
    expect(problemsWith({ outputs: [{ ...smallest.outputs[0], topk: 3 }] })).toEqual({ "/outputs/0/topk": unknown });
  });

  test("with several mistakes says all of them", () => {
    const problems = problemsWith({ instances: 0, maxBatchSize: 0, runtime: { backend: "pytorch" } });
    expect(Object.keys(problems).sort()).toEqual(["/instances", "/maxBatchSize", "/runtime/backend"]);
  });

  test("cannot name files outside its folder", () => {
    for (const name of ["../secret.txt", "/etc/passwd", "a/b.txt", "..", ".hidden", ""]) {
      expect(problemsWith({ runtime: { backend: "onnx", file: name } })).toEqual({
        "/runtime/file": "must be the name of a file beside model.json",
      });
      expect(Object.keys(problemsWith({ example: { image: name } }))).toEqual(["/example/image"]);
      expect(Object.keys(problemsWith({ outputs: [{ ...smallest.outputs[0], labels: name }] }))).toEqual([
        "/outputs/0/labels",
      ]);
    }
  });

  test("cannot give two outputs one name, nor describe a tensor that it does not have", () => {
    expect(problemsWith({ outputs: [smallest.outputs[0], smallest.outputs[0]] })).toEqual({
      "/outputs/1/name": "is the name of two outputs, colour",
    });
    expect(problemsWith({ tensors: { SCORE: { datatype: "FP32", dims: [2] } } })).toEqual({
      "/tensors/SCORE": "is no tensor of this model",
    });
  });

  test("that is not JSON, or not an object, is refused", () => {
    expect(() => parseModelFile("{ name: colours }", "colours/model.json")).toThrow(/^colours\/model.json is not JSON/);
    expect(Object.keys(problemsOf("[]"))).toEqual([""]);
  });
});
