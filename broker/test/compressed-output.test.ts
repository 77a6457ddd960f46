import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodeOutput, encodeOutput } from "../src/index.js";
import { compressOutput, expandOutput } from "../src/tasks/compressed-output.js";

const tensor = (data: Buffer) => [{ name: "OUT", datatype: "UINT8", shape: [data.length], data }];
const roundTrip = (data: Buffer) => {
  const stored = encodeOutput(tensor(data));
  expect(Buffer.compare(decodeOutput(stored)[0]?.data ?? Buffer.of(), data)).toBe(0);
  return stored;
};

describe("a result that is kept", () => {
  test("is compressed where that pays, and is the same afterwards", () => {
    expect(roundTrip(Buffer.alloc(100_000, "mask")).length).toBeLessThan(2_000);
    const scores = Buffer.from(new Float32Array(10_000).map((_, i) => (i % 97 === 0 ? 0.5 : 0)).buffer);
    expect(roundTrip(scores).length).toBeLessThan(scores.length / 4);
  });

  test("is left alone where it does not", () => {
    const noise = randomBytes(100_000);
    expect(roundTrip(noise).length).toBeLessThan(noise.length + 40);
    const small = Buffer.alloc(900);
    expect(compressOutput(small)).toBe(small);
    for (const length of [0, 1, 1_000, 1_023, 1_024, 1_025]) roundTrip(Buffer.alloc(length, 7));
  });

  test("can still be read if it was stored before there was compression", () => {
    const old = Buffer.from("9194a34f5554a555494e543891 03c403010203".replaceAll(" ", ""), "hex");
    expect(expandOutput(old)).toBe(old);
    expect(decodeOutput(old)).toEqual([{ name: "OUT", datatype: "UINT8", shape: [3], data: Buffer.of(1, 2, 3) }]);
  });

  test("is refused where it was damaged, whichever way", () => {
    const stored = encodeOutput(tensor(Buffer.alloc(100_000, "mask")));
    for (const bytes of [
      stored.subarray(0, 1),
      stored.subarray(0, 10),
      stored.subarray(0, -5),
      Buffer.of(0xc1, 255, 255, 255, 127, 0),
    ]) {
      expect(() => decodeOutput(bytes)).toThrow(expect.objectContaining({ code: "upstream-invalid" }));
    }
  });
});
