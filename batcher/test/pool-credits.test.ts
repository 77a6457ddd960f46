import { expect, test } from "vitest";
import { PoolCredits } from "../src/pool-credits.js";

function creditsWith(used: number, credits: number): PoolCredits {
  const pool = new PoolCredits();
  pool.learn({ used, credits }, pool.finishesHeard, 0);
  return pool;
}

test("nothing is free before anything is known", () => {
  expect(new PoolCredits().free(1, 0)).toBe(0);
  expect(new PoolCredits().knownAtMs).toBe(-Infinity);
});

test.each([
  ["all credits that the pool has left", { used: 1, credits: 4, ratio: 1, ownOut: 1 }, 3],
  ["no more than its share of the shards", { used: 0, credits: 4, ratio: 0.5, ownOut: 0 }, 2],
  ["the share that its own batches leave", { used: 2, credits: 4, ratio: 0.5, ownOut: 2 }, 0],
  ["at least one, however few shards it has", { used: 0, credits: 4, ratio: 1 / 16, ownOut: 0 }, 1],
  [
    "one too many rather than too few when the share is not whole",
    { used: 0, credits: 4, ratio: 5 / 16, ownOut: 0 },
    2,
  ],
  ["nothing when others have taken all", { used: 4, credits: 4, ratio: 0.5, ownOut: 0 }, 0],
  ["nothing when slots have died", { used: 3, credits: 2, ratio: 1, ownOut: 3 }, 0],
  [
    "what the pool says, when it believes that more is out than the pool holds",
    { used: 0, credits: 2, ratio: 1, ownOut: 2 },
    2,
  ],
])("a batcher may use %s", (_name, { used, credits, ratio, ownOut }, free) => {
  expect(creditsWith(used, credits).free(ratio, ownOut)).toBe(free);
});

test("of its share of the slots those are idle that no batch occupies; what may wait in the pool does not count", () => {
  expect(creditsWith(1, 4).slots(1, 1, 1)).toEqual({ slots: 2, endpoints: 1, idleSlots: 1 });
  expect(creditsWith(3, 4).slots(1, 1, 3)).toEqual({ slots: 2, endpoints: 1, idleSlots: 0 });
  expect(creditsWith(1, 8).slots(1, 0.5, 1)).toEqual({ slots: 2, endpoints: 1, idleSlots: 1 });
  expect(creditsWith(3, 8).slots(1, 0.5, 0)).toEqual({ slots: 2, endpoints: 1, idleSlots: 1 });
});

test("a batcher shares as many endpoints as there are, but no more than its slots", () => {
  const pool = creditsWith(0, 8);
  pool.learnEndpoints(3);
  expect(pool.slots(1, 1, 0)).toMatchObject({ slots: 4, endpoints: 3 });
  expect(pool.slots(1, 0.5, 0)).toMatchObject({ slots: 2, endpoints: 2 });
  pool.learnEndpoints(0);
  expect(pool.slots(1, 1, 0)).toMatchObject({ slots: 4, endpoints: 1 });
});

test("a batch that finishes frees a credit", () => {
  const pool = creditsWith(2, 2);
  expect(pool.free(1, 2)).toBe(0);
  pool.finished();
  expect(pool.free(1, 1)).toBe(1);
});

test("a finish that overtakes the reply of a publication is not forgotten", () => {
  const pool = creditsWith(1, 2);
  const heardBefore = pool.finishesHeard;
  pool.finished();
  pool.learn({ used: 2, credits: 2 }, heardBefore, 2);
  expect(pool.free(1, 1)).toBe(1);
});

test("in doubt Redis is asked before the next batch", () => {
  const pool = creditsWith(0, 4);
  pool.doubt();
  expect(pool.free(1, 0)).toBe(0);
  expect(pool.knownAtMs).toBe(-Infinity);
});

test("what others finish does not put off the next question to Redis", () => {
  const pool = creditsWith(2, 2);
  for (let i = 0; i < 10; i++) pool.finished();
  expect(pool.knownAtMs).toBe(0);
});
