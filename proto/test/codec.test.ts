import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CodecError, inferRequestCodec, inferResponseCodec, modelMetadataResponseCodec } from "../src/index.js";
import { MESSAGES } from "./messages.js";

/** A field of each wire type under numbers that no message of ours uses: 100 to 104. */
const UNKNOWN_FIELDS = Uint8Array.from([
  ...[0xa0, 0x06, 0xff, 0x01],
  ...[0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
  ...[0xb2, 0x06, 3, 9, 9, 9],
  ...[0xbb, 0x06, 0xa0, 0x06, 0x05, 0xbc, 0x06],
  ...[0xc5, 0x06, 1, 2, 3, 4],
]);

describe.each(MESSAGES.map((entry) => [entry.codec.name, entry] as const))("%s", (_name, { codec, values }) => {
  test("unknown fields of every wire type are skipped", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = codec.encode(value as never);
        expect(codec.decode(Buffer.concat([UNKNOWN_FIELDS, bytes, UNKNOWN_FIELDS]))).toEqual(value);
      }),
    );
  });

  test("bytes that are cut off or changed decode or throw a CodecError, nothing else", () => {
    const damaged = values.chain((value) => damage(codec.encode(value as never)));
    fc.assert(
      fc.property(damaged, (bytes) => {
        try {
          codec.decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("a message that is cut off inside a field is refused at every place", () => {
  const bytes = inferRequestCodec.encode({
    modelName: "identity",
    inputs: [{ name: "INPUT", datatype: "FP32", shape: [1, 2] }],
    rawInputContents: [new Uint8Array(8)],
  });
  const fieldEnds = new Set([0, 10, 29, bytes.length]);
  for (let length = 0; length <= bytes.length; length++) {
    const decode = () => inferRequestCodec.decode(bytes.subarray(0, length));
    if (fieldEnds.has(length)) expect(decode).not.toThrow();
    else expect(decode, `cut at ${length}`).toThrow(CodecError);
  }
});

test("a known field with another wire type is refused", () => {
  const nameAsVarint = Uint8Array.from([0x08, 0x01]);
  expect(() => inferResponseCodec.decode(nameAsVarint)).toThrow(/ModelInferResponse cannot be decoded from 2 bytes/);
});

test("a string that is not UTF-8 is refused", () => {
  expect(() => inferResponseCodec.decode(Uint8Array.from([0x0a, 0x01, 0xff]))).toThrow(CodecError);
});

test("a string with half a surrogate pair is refused", () => {
  expect(() => inferRequestCodec.encode({ modelName: "\ud800", inputs: [], rawInputContents: [] })).toThrow(CodecError);
});

test("a dimension beyond 2^53 is refused both ways, never rounded", () => {
  const shape = (values: number[]) => ({ name: "", datatype: "", shape: values });
  expect(() => inferRequestCodec.encode({ modelName: "m", inputs: [shape([2 ** 53])], rawInputContents: [] })).toThrow(
    CodecError,
  );
  const twoTo53Plus1 = [0x22, 10, 0x1a, 8, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
  expect(() => modelMetadataResponseCodec.decode(Uint8Array.from(twoTo53Plus1))).toThrow(CodecError);
});

test("a packed list may not run over the length of its field, and may come unpacked", () => {
  const metadata = (...tensor: number[]) => Uint8Array.from([0x22, tensor.length, ...tensor]);
  expect(() => modelMetadataResponseCodec.decode(metadata(0x1a, 1, 0x81, 0x18, 3))).toThrow(CodecError);
  const unpacked = modelMetadataResponseCodec.decode(metadata(0x18, 3, 0x18, 4));
  expect(unpacked.inputs).toEqual([{ name: "", datatype: "", shape: [3, 4] }]);
});

test("raw contents given in pieces are the same bytes as in one piece", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.uint8Array({ maxLength: 200 }))), (tensors) => {
      const request = { modelName: "m", inputs: [] };
      const joined = tensors.map((pieces) => new Uint8Array(Buffer.concat(pieces)));
      expect(inferRequestCodec.encode({ ...request, rawInputContents: tensors })).toEqual(
        inferRequestCodec.encode({ ...request, rawInputContents: joined }),
      );
    }),
  );
});

test("decoded raw contents are views on the message, wherever it lies in its buffer", () => {
  const bytes = inferRequestCodec.encode({
    modelName: "m",
    inputs: [],
    rawInputContents: [Uint8Array.from([1, 2, 3])],
  });
  const shifted = new Uint8Array(bytes.length + 7);
  shifted.set(bytes, 7);
  const [contents] = inferRequestCodec.decode(shifted.subarray(7)).rawInputContents;
  expect(contents).toEqual(Uint8Array.from([1, 2, 3]));
  expect((contents as Uint8Array).buffer).toBe(shifted.buffer);
});

/** Some damage to a valid message: its start alone, or a few bytes of it replaced. */
function damage(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(Math.max(0, bytes.length - 1));
  const cut = place.map((length) => bytes.slice(0, length));
  const edits = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  const changed = edits.map((list) => {
    const copy = bytes.slice();
    for (const [index, byte] of list) copy[index] = byte;
    return copy;
  });
  return fc.oneof(cut, changed);
}
