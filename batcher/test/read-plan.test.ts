import fc from "fast-check";
import { expect, test } from "vitest";
import { planRead, planReaders } from "../src/read-plan.js";

const shardsAndLanes = fc.tuple(
  fc.uniqueArray(fc.nat(15), { maxLength: 16 }),
  fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 12 }),
);
const everyStream = (shards: readonly number[], lanes: readonly string[]) =>
  new Set(shards.flatMap((shard) => lanes.map((lane) => `${shard} ${lane}`)));

test("each stream is read by exactly one connection, at most 64 by one", () => {
  fc.assert(
    fc.property(shardsAndLanes, ([shards, lanes]) => {
      const plans = planReaders("single", shards, lanes);
      const streams = plans.flatMap((plan) => plan.streams.map(({ shard, lane }) => `${shard} ${lane}`));
      expect(new Set(streams)).toEqual(everyStream(shards, lanes));
      expect(streams.length).toBe(shards.length * lanes.length);
      expect(plans.every((plan) => plan.streams.length <= 64)).toBe(true);
      expect(plans.length).toBe(Math.ceil(streams.length / 64));
    }),
  );
});

test("on a Cluster a connection reads one shard only", () => {
  fc.assert(
    fc.property(shardsAndLanes, ([shards, lanes]) => {
      const plans = planReaders("cluster", shards, lanes);
      expect(plans.length).toBe(lanes.length === 0 ? 0 : shards.length);
      for (const plan of plans) expect(plan.streams).toEqual(lanes.map((lane) => ({ shard: plan.shard, lane })));
    }),
  );
});

test("a read brings no more than there is room for, give or take one for each shard", () => {
  const rooms = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer({ min: -5, max: 2_000 }));
  fc.assert(
    fc.property(rooms, fc.integer({ min: 1, max: 16 }), (room, shardCount) => {
      const shards = Array.from({ length: shardCount }, (_, shard) => shard);
      const [plan] = planReaders("single", shards, Object.keys(room));
      if (!plan) return;
      const step = planRead(plan, shardCount, (lane) => room[lane] ?? 0);
      for (const [lane, left] of Object.entries(room)) {
        const most = step.streams.filter((stream) => stream.lane === lane).length * step.count;
        expect(most).toBeLessThanOrEqual(Math.max(0, left) + (left > 0 ? shardCount - 1 : 0));
      }
      expect(step.crowded).toBe(step.streams.length < plan.streams.length);
      expect(step.count).toBeGreaterThan(0);
    }),
  );
});
