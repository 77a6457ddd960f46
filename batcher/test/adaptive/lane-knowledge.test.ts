import { describe, expect, test } from "vitest";
import { KnowledgeBook } from "../../src/adaptive/knowledge-book.js";
import { LaneKnowledge } from "../../src/adaptive/lane-knowledge.js";
import { ServiceTimes } from "../../src/adaptive/service-times.js";

const LIMITS = { maxSize: 64, sloMs: 500, depth: 1, overheadMs: 0 };
const SIZES = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64];

function learned(serviceMs: (size: number) => number): LaneKnowledge {
  const times = new ServiceTimes(64);
  for (let i = 0; i < 20; i++) for (const size of SIZES) times.observe(size, serviceMs(size));
  return new LaneKnowledge(times);
}

describe("who is given up", () => {
  test("nobody while nothing is known", () => {
    expect(new LaneKnowledge(new ServiceTimes(64)).hopelessWithinMs(10, LIMITS, false)).toBe(0);
  });

  test("has less time left than the batch takes that holds all who wait", () => {
    const knowledge = learned((size) => 10 + size);
    expect(knowledge.hopelessWithinMs(1, LIMITS, false)).toBeCloseTo(11, 6);
    expect(knowledge.hopelessWithinMs(32, LIMITS, false)).toBeCloseTo(42, 6);
    expect(knowledge.hopelessWithinMs(500, LIMITS, false)).toBeCloseTo(74, 6);
    // Nobody's place is taken while nothing runs and all fit into one batch.
    expect(knowledge.hopelessWithinMs(32, LIMITS, true)).toBe(0);
    expect(knowledge.hopelessWithinMs(500, LIMITS, true)).toBeCloseTo(74, 6);
  });
});

describe("how large batches are", () => {
  test("follows the objective and the largest size as they are now", () => {
    const knowledge = learned((size) => 10 + size);
    expect(knowledge.sizes(LIMITS).most).toBe(64);
    expect(knowledge.sizes({ ...LIMITS, maxSize: 16 }).most).toBe(16);
    // (10 + b) (1 + 1) <= 60
    expect(knowledge.sizes({ ...LIMITS, sloMs: 60 }).most).toBe(20);
  });

  test("never asks for more than the largest size, whatever is worth a try", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 20; i++) for (const size of [1, 2, 4]) times.observe(size, 10 + size);
    const knowledge = new LaneKnowledge(times);
    expect(knowledge.sizes({ ...LIMITS, maxSize: 4 })).toEqual({ enough: 4, most: 4 });
    expect(knowledge.sizes({ ...LIMITS, maxSize: 6 })).toEqual({ enough: 6, most: 6 });
    // Where the curve goes on straight the largest looks best, and is no trial.
    expect(knowledge.sizes({ ...LIMITS, maxSize: 64 })).toMatchObject({ most: 64 });
  });

  test("a size past a knee that nobody has seen for long is tried when so many wait, while the best stays the best", () => {
    const times = new ServiceTimes(64);
    const kneed = (size: number) => (size <= 32 ? 10 + size / 4 : 2 * size);
    for (let i = 0; i < 20; i++) for (const size of [8, 16, 24, 32, 48, 64]) times.observe(size, kneed(size));
    const knowledge = new LaneKnowledge(times);
    expect(knowledge.sizes(LIMITS)).toMatchObject({ most: 32 });
    for (let i = 0; i < 200; i++) times.observe(i % 2 ? 24 : 32, kneed(i % 2 ? 24 : 32));
    expect(knowledge.sizes(LIMITS)).toMatchObject({ most: 32, trial: { least: 33, most: 48 } });
  });
});

describe("what is shared", () => {
  test("the classes of a version learn service times together, arrivals apart; other versions learn for themselves", () => {
    const book = new KnowledgeBook();
    const [now, bulk, next] = ["m:1:local:now", "m:1:local:bulk", "m:2:local:now"].map((lane) => book.of(lane, 64));
    expect(now?.times).toBe(bulk?.times);
    expect(now?.gap).not.toBe(bulk?.gap);
    expect(next?.times).not.toBe(now?.times);
    expect(book.of("m:1:local:now", 64)).toBe(now);
  });
});
