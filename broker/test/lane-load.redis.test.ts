import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeLaneLoads, encodeLaneLoads, readLaneLoads, tellLaneLoads } from "../src/batches/lane-load.js";
import { announceBatcher } from "../src/batches/shard-ownership.js";
import { keys } from "../src/keys.js";
import { useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const NOW = { lane: "m:1:local:now", openRuns: 10, oneMs: 5, fullRows: 64, fullMs: 21, slots: 2 };
const BULK = { ...NOW, lane: "m:1:local:bulk", openRuns: 3 };

test("what batchers tell of a lane is added up, for as long as they go on telling it", async () => {
  const { redis } = fixture;
  expect(await readLaneLoads(redis, "p")).toEqual(new Map());
  for (const batcher of ["b1", "b2"]) await announceBatcher(redis, { batcher });
  await tellLaneLoads(redis, { pool: "p", batcher: "b1" }, [NOW, BULK]);
  await tellLaneLoads(redis, { pool: "p", batcher: "b2" }, [{ ...NOW, openRuns: 5 }]);
  await tellLaneLoads(redis, { pool: "q", batcher: "b2" }, [{ ...NOW, openRuns: 99 }]);
  expect(await readLaneLoads(redis, "p")).toEqual(
    new Map([
      [NOW.lane, { ...NOW, openRuns: 15 }],
      [BULK.lane, BULK],
    ]),
  );
  expect(await redis.pttl(keys.load("p", "b1"))).toBeGreaterThan(2_000);
  await tellLaneLoads(redis, { pool: "p", batcher: "b1" }, []);
  expect([...(await readLaneLoads(redis, "p")).values()]).toEqual([{ ...NOW, openRuns: 5 }]);
});

test("random bytes, and what was cut off, tell nothing", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeLaneLoads(bytes).length === 0));
  const bytes = encodeLaneLoads([NOW, BULK]);
  expect(decodeLaneLoads(bytes)).toEqual([NOW, BULK]);
  for (let length = 0; length < bytes.length; length++) expect(decodeLaneLoads(bytes.subarray(0, length))).toEqual([]);
});
