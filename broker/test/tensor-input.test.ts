import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeTensorInput, encodeTensorInput, tensorSignature } from "../src/index.js";

const floats = (count: number) => ({ datatype: "FP32", shape: [count], data: Buffer.alloc(4 * count, 1) }) as const;

describe("tensors in a run's input", () => {
  test("come back as they were", () => {
    expect(decodeTensorInput(encodeTensorInput(floats(3)))).toEqual(floats(3));
    const texts = { datatype: "BYTES", shape: [2], data: Buffer.from([1, 0, 0, 0, 97, 0, 0, 0, 0]) } as const;
    expect(decodeTensorInput(encodeTensorInput(texts))).toEqual(texts);
    expect(tensorSignature({ datatype: "INT64", shape: [2, 3] })).toBe("INT64:2,3");
    expect(tensorSignature({ datatype: "INT64", shape: [] })).toBe("INT64:");
  });

  test.each([
    ["too little data", { ...floats(3), data: Buffer.alloc(11) }],
    ["too much data", { ...floats(3), data: Buffer.alloc(13) }],
    ["a negative dimension", { ...floats(1), shape: [-1, -1] }],
    ["an unknown type", { ...floats(1), datatype: "FP99" }],
    ["a length prefix that lies", { datatype: "BYTES", shape: [1], data: Buffer.from([9, 0, 0, 0, 97]) }],
    ["a length prefix that is cut off", { datatype: "BYTES", shape: [2], data: Buffer.from([0, 0, 0, 0, 1]) }],
    ["an element too many", { datatype: "BYTES", shape: [1], data: Buffer.alloc(8) }],
  ])("%s is refused", (_what, tensor) => {
    expect(decodeTensorInput(encodeTensorInput(tensor as never))).toBeUndefined();
  });

  test("random bytes are refused, never thrown at the worker", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(decodeTensorInput(bytes)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});
