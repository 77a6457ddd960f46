import { BrokerError } from "@sluice/broker";
import { expect, test } from "vitest";
import { createKnownGood } from "../src/known-good.js";
import type { TritonClient } from "../src/triton/triton-client.js";
import { modelOf } from "./model-fixture.js";
import { echoOf } from "./scripted-triton.js";

const decoder = { decode: () => Promise.reject(new Error("there are no pictures")) };
const MODEL = modelOf({ example: { text: "good" } });

const failing = (code: "upstream-invalid" | "endpoint-unavailable" | "input-rejected", status: string) => () =>
  Promise.reject(new BrokerError(code, status, { details: { status } }));

const ANSWERS: [name: string, infer: TritonClient["infer"], works: boolean | undefined][] = [
  ["is answered: it works", () => Promise.resolve(echoOf(["good"])), true],
  ["is answered with a row too few: it does not", () => Promise.resolve(echoOf([])), false],
  ["ends with INTERNAL: it does not", failing("upstream-invalid", "INTERNAL"), false],
  ["ends with UNAVAILABLE: it does not", failing("endpoint-unavailable", "UNAVAILABLE"), false],
  ["is called bad data: that proves nothing", failing("input-rejected", "INVALID_ARGUMENT"), undefined],
  ["had no time: that proves nothing", failing("endpoint-unavailable", "DEADLINE_EXCEEDED"), undefined],
];

test.each(ANSWERS)("a known-good input that %s", async (_name, infer, works) => {
  const knownGood = createKnownGood({ infer }, decoder);
  expect(await knownGood.works(MODEL, { deadlineMs: 1_000 })).toBe(works);
});

test("a call that was taken back proves nothing", async () => {
  const place = new AbortController();
  const infer: TritonClient["infer"] = () => {
    place.abort();
    return failing("endpoint-unavailable", "CANCELLED")();
  };
  const knownGood = createKnownGood({ infer }, decoder);
  expect(await knownGood.works(MODEL, { deadlineMs: 1_000, signal: place.signal })).toBeUndefined();
});

test("a model without an example has no known-good input", async () => {
  const knownGood = createKnownGood({ infer: () => Promise.resolve(echoOf(["good"])) }, decoder);
  expect([await knownGood.has(MODEL), await knownGood.has(modelOf({}))]).toEqual([true, false]);
  expect(await knownGood.works(modelOf({}), { deadlineMs: 1_000 })).toBeUndefined();
});
