import { type ModelDefinition, modelDefinitionSchema, type OutputTensor } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { toOutputView } from "../src/views/output-view.js";

function model(mode: string, more: Record<string, unknown> = {}): ModelDefinition {
  return modelDefinitionSchema.parse({
    name: "m",
    input: { kind: "text", tensor: "T" },
    outputs: [{ kind: "labels", name: "what", tensor: "S", mode, labels: ["a", "b", "c"], ...more }],
  });
}
const scores = (...values: number[]): OutputTensor[] => [
  { name: "S", datatype: "FP64", shape: [values.length], data: Buffer.from(new Float64Array(values).buffer) },
];
const labels = (...pairs: [string, number][]) => ({ what: pairs.map(([label, score]) => ({ label, score })) });

describe("labels", () => {
  test("of a multi-class model are the best ones", () => {
    const view = toOutputView(scores(0.1, 0.6, 0.3), model("multi-class", { topK: 2 }), {});
    expect(view).toEqual({ output: labels(["b", 0.6], ["c", 0.3]) });
    expect(toOutputView(scores(0.1, 0.6, 0.3), model("multi-class"), { topK: 1 }).output).toEqual(labels(["b", 0.6]));
  });

  test("below the threshold are left out, in a multi-class model also all of them", () => {
    const strict = model("multi-class", { threshold: 0.5 });
    expect(toOutputView(scores(0.1, 0.6, 0.3), strict, {}).output).toEqual(labels(["b", 0.6]));
    expect(toOutputView(scores(0.1, 0.6, 0.3), strict, { threshold: 0.9 }).output).toEqual({ what: [] });
  });

  test("of a multi-label model are all above the threshold", () => {
    const view = toOutputView(scores(0.9, 0.5, 0.49), model("multi-label", { threshold: 0.5, topK: 1 }), {});
    expect(view).toEqual({ output: labels(["a", 0.9], ["b", 0.5]) });
  });

  test.each([
    [0.5, 0.47, 0.45],
    [0.5, 0.45, 0.45],
    [0.5, 0.449, 0.4],
    [0.9, 0.03, 0],
    [1, 0, 0],
  ])(
    "of a multi-label model with threshold %d and best score %d: the threshold goes down to %d",
    (threshold, best, used) => {
      const view = toOutputView(scores(best, 0, 0), model("multi-label", { threshold }), { topK: 1 });
      expect(view).toEqual({ output: labels(["a", best]), thresholdUsed: { what: used } });
    },
  );

  test("whose score is no number are left out", () => {
    expect(toOutputView(scores(NaN, 0.2, Infinity), model("multi-class"), {}).output).toEqual(labels(["b", 0.2]));
    expect(toOutputView(scores(NaN, NaN, NaN), model("multi-label"), {})).toEqual({ output: { what: [] } });
  });
});

test("an output whose model is not registered is shown as tensors", () => {
  const shown = { S: { datatype: "FP64", shape: [1], data: [0.5] } };
  expect(toOutputView(scores(0.5), undefined, {})).toEqual({ output: shown });
});

test("an output that the model did not give is left out", () => {
  expect(toOutputView([], model("multi-class"), {})).toEqual({ output: {} });
});
