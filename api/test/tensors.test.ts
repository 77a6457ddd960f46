import { type Datatype, fitsShape } from "@sluice/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeElements, decodeTexts } from "../src/tensors/decode-elements.js";
import { encodeTensor } from "../src/tensors/encode-tensor.js";
import { decodeHalf, encodeHalf } from "../src/tensors/half-float.js";

/** What each type holds without loss, as JSON. */
const ELEMENTS: Record<Datatype, fc.Arbitrary<unknown>> = {
  BOOL: fc.boolean(),
  UINT8: fc.integer({ min: 0, max: 255 }),
  INT8: fc.integer({ min: -128, max: 127 }),
  INT16: fc.integer({ min: -32_768, max: 32_767 }),
  INT32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  INT64: fc.oneof(
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }).map(String),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }).map(String),
  ),
  FP16: fc.integer({ min: 0, max: 0x7bff }).map(decodeHalf),
  FP32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  FP64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  BYTES: fc.string({ unit: "grapheme" }),
};

test.each(Object.entries(ELEMENTS))("%s elements come back as they were sent, in every shape", (datatype, element) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(element),
      fc.boolean(),
      (rows, columns, stream, nested) => {
        const flat = Array.from({ length: rows * columns }, () => stream.next().value as unknown);
        const lists = Array.from({ length: rows }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
        const type = datatype as Datatype;
        const input = { kind: "tensor", datatype: type, shape: [rows, columns], data: nested ? lists : flat } as const;
        const tensor = encodeTensor(input, { datatype: type, dims: [-1, columns] });
        expect(fitsShape(tensor)).toBe(true);
        const back: unknown = JSON.parse(JSON.stringify(decodeElements(tensor)));
        // JSON has no -0.
        expect(back).toEqual(flat.map((value) => (value === 0 ? 0 : value)));
      },
    ),
  );
});

describe("half precision", () => {
  test("every finite FP16 survives the way there and back", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 0x7c00) !== 0x7c00) expect(encodeHalf(decodeHalf(bits))).toBe(bits);
    }
  });

  test("what lies between two is rounded to the nearest, ties to even; what is beyond is refused", () => {
    expect(encodeHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(encodeHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(encodeHalf(65_519)).toBe(0x7bff);
    expect(encodeHalf(65_520)).toBeUndefined();
    expect(encodeHalf(NaN)).toBeUndefined();
    expect(encodeHalf(2 ** -25)).toBe(0);
    expect(encodeHalf(2 ** -14 - 2 ** -26)).toBe(0x0400);
  });
});

test("numbers that JSON cannot say are null", () => {
  const data = Buffer.from(new Float32Array([NaN, Infinity, -Infinity, 1]).buffer);
  expect(JSON.stringify(decodeElements({ datatype: "FP32", data }))).toBe("[null,null,null,1]");
  const half = Buffer.from(new Uint16Array([0x7e00, 0x7c00, 0x3c00]).buffer);
  expect(decodeElements({ datatype: "FP16", data: half })).toEqual([null, null, 1]);
});

test("output bytes that are cut off or lie about their length are read as far as they go", () => {
  expect(decodeTexts(Buffer.from([1, 0, 0, 0, 97, 9, 0, 0, 0, 98]))).toEqual(["a"]);
  expect(decodeElements({ datatype: "FP32", data: Buffer.alloc(7) })).toEqual([0]);
  expect(decodeElements({ datatype: "FP99", data: Buffer.alloc(8) })).toEqual([]);
});
