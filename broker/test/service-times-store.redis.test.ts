import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeLearnedTimes,
  encodeLearnedTimes,
  readLearnedTimes,
  writeLearnedTimes,
} from "../src/batches/service-times-store.js";
import { keys } from "../src/keys.js";
import { useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const TIMES = [
  { size: 1, p50Ms: 5.25, p95Ms: 6, weight: 64 },
  { size: 31.5, p50Ms: 13, p95Ms: 15.5, weight: 12 },
];

describe("learned service times", () => {
  test("are read as they were written, each version of a model for itself, and forgotten some day", async () => {
    const { redis } = fixture;
    expect(await readLearnedTimes(redis)).toEqual(new Map());
    await writeLearnedTimes(redis, new Map());
    expect(await redis.exists(keys.times)).toBe(0);
    await writeLearnedTimes(redis, new Map([["m 1 local", { writtenMs: 1_000, times: TIMES }]]));
    const other = { writtenMs: 2_000, times: TIMES.slice(1) };
    await writeLearnedTimes(redis, new Map([["m 2 local", other]]));
    expect(await readLearnedTimes(redis)).toEqual(
      new Map([
        ["m 1 local", { writtenMs: 1_000, times: TIMES }],
        ["m 2 local", other],
      ]),
    );
    expect(await redis.ttl(keys.times)).toBeGreaterThan(29 * 24 * 3_600);
  });

  test("of another version, or written by nobody of ours, are left out", async () => {
    const { redis } = fixture;
    await writeLearnedTimes(redis, new Map([["m 1 local", { writtenMs: 1_000, times: TIMES }]]));
    await redis.hset(keys.times, "m 2 local", "nonsense");
    expect([...(await readLearnedTimes(redis)).keys()]).toEqual(["m 1 local"]);
  });

  test("random bytes are never taken for some", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeLearnedTimes(bytes) === undefined));
    const bytes = encodeLearnedTimes({ writtenMs: 1, times: TIMES });
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeLearnedTimes(bytes.subarray(0, length))).toBeUndefined();
    }
  });
});
