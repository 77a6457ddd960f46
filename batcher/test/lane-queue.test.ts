import fc from "fast-check";
import { expect, test } from "vitest";
import { LaneQueue, type WaitingRef } from "../src/lane-queue.js";
import { refOf } from "./ref-fixture.js";

const KIND = { lane: "m:1:local:now", signature: "", solo: false };
const queueOf = (items: readonly WaitingRef[]) => {
  const queue = new LaneQueue(KIND);
  for (const item of items) queue.add(item);
  return queue;
};
const items = fc
  .array(
    fc.record({
      admittedMs: fc.nat(50),
      arrivedMs: fc.nat(50),
      cost: fc.integer({ min: 1, max: 8 }),
      deadlineMs: fc.nat(100),
    }),
  )
  .map((list) => list.map(({ arrivedMs, ...ref }) => ({ arrivedMs, ref: refOf(ref) })));

test("references leave in the order of their admission, whatever order they came in", () => {
  fc.assert(
    fc.property(items, (list) => {
      const order = queueOf(list)
        .take(Infinity)
        .map((item) => item.ref.admittedMs);
      expect(order).toEqual(list.map((item) => item.ref.admittedMs).toSorted((a, b) => a - b));
    }),
  );
});

test("a batch never costs more than it may, except for a single reference that costs more alone", () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 20 }), (list, maxCost) => {
      const queue = queueOf(list);
      const taken: WaitingRef[] = [];
      while (queue.count > 0) {
        const batch = queue.take(maxCost);
        expect(batch.length).toBeGreaterThan(0);
        const cost = batch.reduce((sum, item) => sum + item.ref.cost, 0);
        expect(cost <= maxCost || batch.length === 1).toBe(true);
        taken.push(...batch);
      }
      expect(new Set(taken)).toEqual(new Set(list));
    }),
  );
});

test("its figures are those of what waits, after anything that may happen to it", () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 20 }), fc.nat(100), (list, maxCost, serverNowMs) => {
      const queue = queueOf(list);
      const taken = queue.take(maxCost);
      const late = queue.takeLate(serverNowMs);
      const removed = queue.removeWhere((item) => item.ref.cost === 3);
      expect(late.every((item) => item.ref.deadlineMs < serverNowMs)).toBe(true);
      const rest = list.filter((item) => ![...taken, ...late, ...removed].includes(item));
      expect(rest.some((item) => item.ref.deadlineMs < serverNowMs || item.ref.cost === 3)).toBe(false);
      expect(new Set(queue.list())).toEqual(new Set(rest));
      expect(queue.count).toBe(rest.length);
      expect(queue.cost).toBe(rest.reduce((sum, item) => sum + item.ref.cost, 0));
      expect(queue.oldestArrivedMs).toBe(Math.min(...rest.map((item) => item.arrivedMs)));
    }),
  );
});

test("what must be alone is taken one by one, however little it costs", () => {
  const queue = new LaneQueue({ ...KIND, solo: true });
  for (let i = 0; i < 3; i++) queue.add({ ref: refOf({ cost: 0.1 }), arrivedMs: 0 });
  expect(queue.take(64, 1)).toHaveLength(1);
  expect(queue.count).toBe(2);
});
