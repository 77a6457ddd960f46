import fc from "fast-check";
import { expect, test } from "vitest";
import { SHARD_COUNT } from "@sluice/broker";
import { wantedShards } from "../src/rendezvous.js";

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });
/** Who wants each shard; more or fewer than one name is a mistake. */
const wanters = (live: readonly string[]) => {
  const sets = live.map((name) => [name, wantedShards(name, live)] as const);
  return Array.from({ length: SHARD_COUNT }, (_, shard) =>
    sets.filter(([, set]) => set.has(shard)).map(([name]) => name),
  );
};

test("each shard is wanted by exactly one live batcher", () => {
  fc.assert(
    fc.property(names, (live) => {
      expect(wanters(live).map((list) => list.length)).toEqual(Array.from({ length: SHARD_COUNT }, () => 1));
    }),
  );
});

test("a batcher that goes leaves its shards, and no other shard changes hands", () => {
  fc.assert(
    fc.property(names, (live) => {
      const [gone, ...rest] = live;
      if (gone === undefined || rest.length === 0) return;
      const [before, after] = [wanters(live), wanters(rest)];
      before.forEach(([owner], shard) => {
        if (owner !== gone) expect(after[shard]).toEqual([owner]);
      });
    }),
  );
});

test("the shards are spread: of 200 pairs of batchers none takes all", () => {
  const counts = Array.from({ length: 200 }, (_, pair) => wantedShards(`b${pair}`, [`b${pair}`, `c${pair}`]).size);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(Math.max(...counts)).toBeLessThan(SHARD_COUNT);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  expect(mean).toBeGreaterThan(7);
  expect(mean).toBeLessThan(9);
});

test("a batcher that is not on the list yet counts itself", () => {
  expect(wantedShards("a", []).size).toBe(SHARD_COUNT);
});
