import type { InferRequest } from "@sluice/proto";
import { expect, test } from "vitest";
import { createOutputSizes } from "../../src/triton/shared-memory/output-sizes.js";
import { responseWith } from "./fake-model.js";

const requestOf = (rows: number, width = 10): InferRequest => ({
  modelName: "m",
  modelVersion: "1",
  inputs: [{ name: "INPUT", datatype: "FP32", shape: [rows, width] }],
  outputs: [{ name: "A" }, { name: "B" }],
  rawInputContents: [],
});
const answerOf = (datatype: string, shape: number[], name = "A") =>
  responseWith({ name, datatype, shape, data: new Uint8Array() });

test("what an answer showed is expected of every batch with such rows", () => {
  const sizes = createOutputSizes();
  expect(sizes.expect(requestOf(4))).toEqual(new Map());
  sizes.learn(requestOf(4), answerOf("FP32", [4, 100]));
  expect(sizes.expect(requestOf(64))).toEqual(new Map([["A", 25_600]]));
  expect(sizes.expect(requestOf(64, 11))).toEqual(new Map());
  expect(sizes.expect({ ...requestOf(64), modelVersion: "2" })).toEqual(new Map());
});

test("texts, sizes that change and sizes that were wrong are not expected", () => {
  const sizes = createOutputSizes();
  sizes.learn(requestOf(4), answerOf("BYTES", [4, 1]));
  sizes.learn(requestOf(4), answerOf("FP32", [4, 1], "B"));
  sizes.learn(requestOf(4), answerOf("FP32", [4, 2], "B"));
  sizes.learn(requestOf(4), answerOf("FP32", [4, 1], "B"));
  expect(sizes.expect(requestOf(4))).toEqual(new Map());
  sizes.learn(requestOf(4, 5), answerOf("INT8", [4, 3]));
  expect(sizes.expect(requestOf(4, 5))).toEqual(new Map([["A", 12]]));
  sizes.forget(requestOf(4, 5));
  sizes.learn(requestOf(4, 5), answerOf("INT8", [4, 3]));
  expect(sizes.expect(requestOf(4, 5))).toEqual(new Map());
});
