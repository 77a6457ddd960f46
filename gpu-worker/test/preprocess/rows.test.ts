import { BrokerError, type Datatype } from "@sluice/broker";
import { expect, test } from "vitest";
import { tensorRow } from "../../src/preprocess/tensor-row.js";
import { textRow } from "../../src/preprocess/text-row.js";

const textInput = { kind: "text", tensor: "TEXT", maxBytes: 8 } as const;
const tensorInput = { kind: "tensor", tensor: "IN", datatype: "FP32", dims: [2, -1] as number[] } as const;

const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error instanceof BrokerError ? error.code : error;
  }
  return "no error";
};

test("a text becomes one BYTES element: its length in 4 bytes, then its UTF-8", () => {
  const row = textRow(Buffer.from("fünf"), textInput);
  expect(row).toEqual({
    datatype: "BYTES",
    shape: [1],
    data: Buffer.from([5, 0, 0, 0, 0x66, 0xc3, 0xbc, 0x6e, 0x66]),
  });
  expect(textRow(new Uint8Array(), textInput).data).toEqual(Buffer.alloc(4));
});

test("a text that is too long or not UTF-8 is refused", () => {
  expect(codeOf(() => textRow(Buffer.from("12345678"), textInput))).toBe("no error");
  expect(codeOf(() => textRow(Buffer.from("123456789"), textInput))).toBe("input-rejected");
  expect(codeOf(() => textRow(Uint8Array.from([0xff]), textInput))).toBe("input-rejected");
});

test("a tensor passes if its type, shape and length are what the model takes", () => {
  const row = { datatype: "FP32" as Datatype, shape: [2, 3], data: new Uint8Array(24) };
  expect(tensorRow(row, tensorInput)).toBe(row);
  expect(codeOf(() => tensorRow({ ...row, datatype: "INT32" }, tensorInput))).toBe("input-rejected");
  expect(codeOf(() => tensorRow({ ...row, shape: [3, 2] }, tensorInput))).toBe("input-rejected");
  expect(codeOf(() => tensorRow({ ...row, shape: [6] }, tensorInput))).toBe("input-rejected");
  expect(codeOf(() => tensorRow({ ...row, shape: [2, -3] }, tensorInput))).toBe("input-rejected");
  expect(codeOf(() => tensorRow({ ...row, shape: [2, 1.5] }, tensorInput))).toBe("input-rejected");
  expect(codeOf(() => tensorRow({ ...row, data: new Uint8Array(23) }, tensorInput))).toBe("input-rejected");
  expect(codeOf(() => tensorRow({ ...row, data: new Uint8Array(28) }, tensorInput))).toBe("input-rejected");
});

test.each([
  ["BOOL", 1],
  ["UINT8", 1],
  ["INT8", 1],
  ["INT16", 2],
  ["FP16", 2],
  ["INT32", 4],
  ["FP32", 4],
  ["INT64", 8],
  ["FP64", 8],
] as const)("three %s elements take 3 x %i bytes", (datatype, size) => {
  const input = { ...tensorInput, datatype, dims: [3] };
  const row = (length: number) => ({ datatype, shape: [3], data: new Uint8Array(length) });
  expect(codeOf(() => tensorRow(row(3 * size), input))).toBe("no error");
  expect(codeOf(() => tensorRow(row(3 * size - 1), input))).toBe("input-rejected");
  expect(codeOf(() => tensorRow(row(3 * size + 1), input))).toBe("input-rejected");
});

test("BYTES elements may not lie about their lengths", () => {
  const input = { ...tensorInput, datatype: "BYTES", dims: [2] } as const;
  const row = (...data: number[]) => ({ datatype: "BYTES" as Datatype, shape: [2], data: Uint8Array.from(data) });
  const codes = [
    row(1, 0, 0, 0, 65, 0, 0, 0, 0),
    row(1, 0, 0, 0, 65, 1, 0, 0, 0),
    row(1, 0, 0, 0, 65),
    row(1, 0, 0, 0, 65, 0, 0, 0, 0, 7),
    row(255, 255, 255, 255, 65, 0, 0, 0, 0),
  ].map((tensor) => codeOf(() => tensorRow(tensor, { ...input, dims: [...input.dims] })));
  expect(codes).toEqual(["no error", "input-rejected", "input-rejected", "input-rejected", "input-rejected"]);
});
