import { BrokerError } from "@sluice/broker";
import { inferRequestCodec } from "@sluice/proto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildInferRequest, splitInferResponse } from "../../src/triton/batch-tensors.js";
import type { RowTensor } from "../../src/triton/row-tensor.js";
import { bytesElements, fp32, modelWith, responseWith } from "./fake-model.js";

const tensorOutput = { kind: "tensor", name: "same", tensor: "OUTPUT", datatype: "FP32", dims: [-1] };
const labelsOutput = { kind: "labels", name: "kind", tensor: "SCORES", labels: ["cat", "dog"], mode: "multi-class" };
const textOutput = { kind: "text", name: "caption", tensor: "TEXT" };

function errorOf(run: () => unknown): BrokerError {
  try {
    run();
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("building a request", () => {
  const row = (...values: number[]): RowTensor => ({ datatype: "FP32", shape: [values.length], data: fp32(...values) });

  test("rows stand one after the other under a batch dimension", () => {
    const model = modelWith([tensorOutput, { ...tensorOutput, name: "again" }]);
    const request = buildInferRequest(model, [row(1, 2), row(3, 4), row(5, 6)], "batch-7");
    const sent = inferRequestCodec.decode(inferRequestCodec.encode(request));
    expect(sent).toEqual({
      modelName: "fake",
      modelVersion: "3",
      id: "batch-7",
      parameters: new Map(),
      inputs: [{ name: "INPUT", datatype: "FP32", shape: [3, 2], parameters: new Map() }],
      outputs: [{ name: "OUTPUT", parameters: new Map() }],
      rawInputContents: [fp32(1, 2, 3, 4, 5, 6)],
    });
  });

  test("rows of other types or shapes are a bug, and so are no rows", () => {
    const model = modelWith([tensorOutput]);
    expect(errorOf(() => buildInferRequest(model, [], "b")).code).toBe("internal");
    expect(errorOf(() => buildInferRequest(model, [row(1), row(1, 2)], "b")).code).toBe("internal");
    expect(errorOf(() => buildInferRequest(model, [row(1), { ...row(1), datatype: "INT32" }], "b")).code).toBe(
      "internal",
    );
  });
});

describe("splitting a response", () => {
  test("whatever a batch of rows was sent as comes back row by row", () => {
    const model = modelWith([{ ...tensorOutput, datatype: "BYTES", dims: [2] }], { datatype: "BYTES", dims: [2] });
    const rows = fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rows, (pairs) => {
        const tensors = pairs.map((pair): RowTensor => ({
          datatype: "BYTES",
          shape: [2],
          data: bytesElements(...pair),
        }));
        const request = inferRequestCodec.decode(inferRequestCodec.encode(buildInferRequest(model, tensors, "b")));
        const [contents] = request.rawInputContents as Uint8Array[];
        const echo = {
          name: "OUTPUT",
          datatype: "BYTES",
          shape: [pairs.length, 2],
          data: contents ?? new Uint8Array(),
        };
        expect(splitInferResponse(model, responseWith(echo), pairs.length)).toEqual(
          tensors.map(({ data }) => ({
            state: "SUCCESS",
            output: [{ name: "OUTPUT", datatype: "BYTES", shape: [2], data }],
          })),
        );
      }),
    );
  });

  test("every row gets its part of every output, in the order of the definition", () => {
    const model = modelWith([labelsOutput, textOutput, { ...tensorOutput, tensor: "BOX", dims: [2, 1] }]);
    const response = responseWith(
      { name: "BOX", datatype: "FP32", shape: [2, 2, 1], data: fp32(1, 2, 3, 4) },
      { name: "UNASKED", datatype: "INT8", shape: [9], data: new Uint8Array(1) },
      { name: "SCORES", datatype: "FP32", shape: [2, 2, 1, 1], data: fp32(0.25, 0.75, 0.5, 0.5) },
      { name: "TEXT", datatype: "BYTES", shape: [2, 1], data: bytesElements("a cat", "") },
    );
    expect(splitInferResponse(model, response, 2)).toEqual([
      {
        state: "SUCCESS",
        output: [
          { name: "SCORES", datatype: "FP32", shape: [2, 1, 1], data: fp32(0.25, 0.75) },
          { name: "TEXT", datatype: "BYTES", shape: [1], data: bytesElements("a cat") },
          { name: "BOX", datatype: "FP32", shape: [2, 1], data: fp32(1, 2) },
        ],
      },
      {
        state: "SUCCESS",
        output: [
          { name: "SCORES", datatype: "FP32", shape: [2, 1, 1], data: fp32(0.5, 0.5) },
          { name: "TEXT", datatype: "BYTES", shape: [1], data: bytesElements("") },
          { name: "BOX", datatype: "FP32", shape: [2, 1], data: fp32(3, 4) },
        ],
      },
    ]);
  });

  test.each([NaN, Infinity, -Infinity])("a score of %d fails its own row only", (score) => {
    const model = modelWith([labelsOutput]);
    const data = fp32(0.25, 0.75, 0, score, 3.4e38, -1e-40);
    const outcomes = splitInferResponse(
      model,
      responseWith({ name: "SCORES", datatype: "FP32", shape: [3, 2], data }),
      3,
    );
    expect(outcomes.map(({ state }) => state)).toEqual(["SUCCESS", "FAILED", "SUCCESS"]);
    expect(outcomes[1]).toEqual({
      state: "FAILED",
      failure: { code: "upstream-invalid", message: "fake answered a score that is no finite number in SCORES" },
    });
  });

  test("NaN is data like any other in a tensor that holds no scores", () => {
    const data = fp32(NaN);
    const response = responseWith({ name: "OUTPUT", datatype: "FP32", shape: [1, 1], data });
    expect(splitInferResponse(modelWith([tensorOutput]), response, 1)[0]?.state).toBe("SUCCESS");
  });

  const good = { name: "OUTPUT", datatype: "FP32", shape: [2, 3], data: new Uint8Array(24) };
  const texts = { name: "TEXT", datatype: "BYTES", shape: [2, 1], data: bytesElements("ab", "cd") };
  test.each([
    ["an output is missing", [tensorOutput], { ...good, name: "OTHER" }, /OUTPUT is missing/],
    ["a row is missing", [tensorOutput], { ...good, shape: [1, 6] }, /1 rows, not 2/],
    ["there is no batch dimension", [tensorOutput], { ...good, shape: [] }, /no rows, not 2/],
    ["the type is another", [tensorOutput], { ...good, datatype: "INT32" }, /INT32 \[3\] a row/],
    ["the type is unknown", [tensorOutput], { ...good, datatype: "toString" }, /unknown type/],
    ["the rank is another", [tensorOutput], { ...good, shape: [2, 3, 1] }, /FP32 \[3, 1\] a row/],
    ["a dimension is negative", [tensorOutput], { ...good, shape: [2, -3] }, /OUTPUT/],
    ["bytes are missing", [tensorOutput], { ...good, data: new Uint8Array(23) }, /cut off after 1 of 2 rows/],
    ["there are bytes too many", [tensorOutput], { ...good, data: new Uint8Array(25) }, /1 bytes more/],
    ["there are more scores than labels", [labelsOutput], { ...good, name: "SCORES" }, /FP32 \[3\] a row/],
    ["scores are not FP32", [labelsOutput], { ...good, name: "SCORES", datatype: "FP64", shape: [2, 2] }, /FP64/],
    ["there are two texts a row", [textOutput], { ...texts, shape: [2, 2] }, /BYTES \[2\] a row/],
    ["a text lies about its length", [textOutput], { ...texts, data: new Uint8Array(12).fill(9) }, /cut off after 0/],
    ["a text follows the last", [textOutput], { ...texts, data: bytesElements("ab", "cd", "") }, /4 bytes more/],
  ])("is refused when %s", (_why, outputs, tensor, message) => {
    const error = errorOf(() => splitInferResponse(modelWith(outputs), responseWith(tensor), 2));
    expect(error.code).toBe("upstream-invalid");
    expect(error.message).toMatch(message);
  });

  test("an output whose bytes were not sent is missing", () => {
    const response = { ...responseWith(good), rawOutputContents: [] };
    expect(errorOf(() => splitInferResponse(modelWith([tensorOutput]), response, 2)).message).toMatch(/missing/);
  });
});
