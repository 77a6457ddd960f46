import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serviceMethods } from "../src/index.js";
import { MESSAGES } from "./messages.js";
import { peerDecode, peerEncode, plainOf, serviceMessages, servicePaths } from "./peer.js";

test("every message and every method of kserve.proto has its codec", () => {
  expect(new Set(MESSAGES.map(({ codec }) => codec.name))).toEqual(new Set(serviceMessages()));
  expect(new Set(Object.values(serviceMethods).map(({ path }) => path))).toEqual(new Set(servicePaths()));
});

describe.each(MESSAGES.map((entry) => [entry.codec.name, entry] as const))("%s", (name, { codec, values }) => {
  test("what we encode, protobufjs reads", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(peerDecode(name, codec.encode(value as never))).toEqual(plainOf(name, value));
      }),
    );
  });

  test("what protobufjs encodes, we read", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(codec.decode(peerEncode(name, value))).toEqual(value);
      }),
    );
  });

  test("no bytes at all are the message with all its defaults", () => {
    expect(plainOf(name, codec.decode(new Uint8Array()))).toEqual(peerDecode(name, new Uint8Array()));
  });
});
