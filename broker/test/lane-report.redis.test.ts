import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeLaneReports,
  encodeLaneReports,
  type LaneReport,
  readLaneReports,
  tellLaneReports,
} from "../src/batches/lane-report.js";
import { announceBatcher } from "../src/batches/shard-ownership.js";
import { keys } from "../src/keys.js";
import { useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const NOW: LaneReport = {
  lane: "m:1:local:now",
  mode: "adaptive",
  openRuns: 10,
  arrivalsPerS: 100,
  enough: 24,
  most: 32,
  drift: 1.25,
  latest: { rows: 40, waitMs: 12, reasons: { full: 1, marginal: 3 } },
};
const BULK: LaneReport = { ...NOW, lane: "m:1:local:bulk", mode: "fixed", arrivalsPerS: 0 };

test("what batchers show of a lane is added up; sizes are those of the batcher with the most arrivals", async () => {
  const { redis } = fixture;
  expect(await readLaneReports(redis, "p")).toEqual(new Map());
  for (const batcher of ["b1", "b2"]) await announceBatcher(redis, { batcher });
  await tellLaneReports(redis, { pool: "p", batcher: "b1" }, [NOW, BULK]);
  const other = { rows: 2, waitMs: 1, reasons: { full: 2 } };
  await tellLaneReports(redis, { pool: "p", batcher: "b2" }, [
    { ...NOW, openRuns: 5, arrivalsPerS: 150, enough: 16, drift: 1, latest: other },
  ]);
  await tellLaneReports(redis, { pool: "q", batcher: "b2" }, [{ ...NOW, openRuns: 99 }]);
  const latest = { rows: 42, waitMs: 13, reasons: { full: 3, marginal: 3 } };
  expect(await readLaneReports(redis, "p")).toEqual(
    new Map([
      [NOW.lane, { ...NOW, openRuns: 15, arrivalsPerS: 250, enough: 16, drift: 1, latest }],
      [BULK.lane, BULK],
    ]),
  );
  expect(await redis.pttl(keys.laneReport("p", "b1"))).toBeGreaterThan(2_000);
});

test("random bytes, and what was cut off, show nothing", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeLaneReports(bytes).length === 0));
  const bytes = encodeLaneReports([NOW, BULK]);
  expect(decodeLaneReports(bytes)).toEqual([NOW, BULK]);
  expect(bytes.length).toBeLessThan(250);
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeLaneReports(bytes.subarray(0, length))).toEqual([]);
  }
});
