import { describe, expect, test } from "vitest";
import { type PressureReason, type PressureSigns, SlotsAimd } from "../../src/backpressure/slots-aimd.js";

const MARKS = { gpuUtilization: 0.9, gpuMemory: 0.9 };
const CALM: PressureSigns = { latencyGrowth: 1, gpuUtilization: 0.5, gpuMemory: 0.5 };

/** One look a second; the limit after each. */
function looks(aimd: SlotsAimd, signs: PressureSigns, count: number, { fromS = 0, marks = MARKS } = {}) {
  const limits: number[] = [];
  const reasons = new Set<PressureReason>();
  for (let look = 0; look < count; look++) {
    const reason = aimd.observe(signs, marks, { ms: (fromS + look) * 1_000, inUse: Infinity });
    if (reason) reasons.add(reason);
    limits.push(aimd.limit);
  }
  return { limits, reasons: [...reasons] };
}

describe("memory of the GPU over its mark", () => {
  const full = { ...CALM, gpuMemory: 0.91 };

  test("halves the slots at once, and every two seconds, down to 1 and no further", () => {
    expect(looks(new SlotsAimd(8), full, 8)).toEqual({ limits: [4, 4, 2, 2, 1, 1, 1, 1], reasons: ["gpu-memory"] });
  });

  test("is hard: however flat latency is, no slot comes back until it is 0.05 below", () => {
    const aimd = new SlotsAimd(4);
    looks(aimd, full, 60);
    expect(looks(aimd, { ...CALM, gpuMemory: 0.86 }, 60, { fromS: 60 }).limits.at(-1)).toBe(1);
    expect(looks(aimd, { ...CALM, gpuMemory: 0.85 }, 5, { fromS: 120 }).limits).toEqual([2, 3, 4, 4, 4]);
  });
});

describe("utilisation of the GPU over its mark", () => {
  const busy = { ...CALM, gpuUtilization: 1 };

  test("takes slots away after three looks, down to the 2 that keep the device busy", () => {
    const { limits, reasons } = looks(new SlotsAimd(4), busy, 60);
    expect(limits.slice(0, 7)).toEqual([4, 4, 3, 3, 2, 2, 2]);
    expect([limits.at(-1), reasons]).toEqual([2, ["gpu-utilization"]]);
  });

  test("never lets an endpoint starve that has 2 slots or fewer, though it is at 100 % all the time", () => {
    for (const ceiling of [1, 2]) {
      expect(new Set(looks(new SlotsAimd(ceiling), busy, 600).limits)).toEqual(new Set([ceiling]));
    }
  });

  test("of less than three seconds, or not over the mark, takes nothing away", () => {
    const aimd = new SlotsAimd(8);
    for (let second = 0; second < 60; second++) {
      looks(aimd, second % 3 === 2 ? CALM : busy, 1, { fromS: second });
      expect(aimd.limit).toBe(8);
    }
    expect(looks(aimd, { ...CALM, gpuUtilization: 0.9 }, 60).limits.at(-1)).toBe(8);
  });

  test("lets slots that memory had taken come back up to 2 while it stays", () => {
    const aimd = new SlotsAimd(8);
    looks(aimd, { ...busy, gpuMemory: 0.95 }, 20);
    expect(aimd.limit).toBe(1);
    expect(looks(aimd, busy, 60, { fromS: 20 }).limits.at(-1)).toBe(2);
  });

  test("does not make slots come and go: between the mark and 0.05 below nothing changes", () => {
    const aimd = new SlotsAimd(4);
    looks(aimd, busy, 3);
    expect(new Set(looks(aimd, { ...CALM, gpuUtilization: 0.88 }, 60, { fromS: 3 }).limits)).toEqual(new Set([3]));
  });
});

describe("calls that take longer than usual", () => {
  const slow = (latencyGrowth: number) => ({ ...CALM, latencyGrowth });

  test("twice as long: half of the slots go after two looks, down to 2; four times as long: down to 1", () => {
    expect(looks(new SlotsAimd(8), slow(2.5), 10)).toEqual({
      limits: [8, 4, 4, 2, 2, 2, 2, 2, 2, 2],
      reasons: ["latency"],
    });
    expect(looks(new SlotsAimd(8), slow(5), 10).limits.at(-1)).toBe(1);
  });

  test("one slow look is none", () => {
    const aimd = new SlotsAimd(4);
    for (let second = 0; second < 20; second++) looks(aimd, slow(second % 2 ? 10 : 1), 1, { fromS: second });
    expect(aimd.limit).toBe(4);
  });

  test("slots come back when calls are near what is usual, not before", () => {
    const aimd = new SlotsAimd(8);
    looks(aimd, slow(5), 10);
    expect(looks(aimd, slow(3.5), 30, { fromS: 10 }).limits.at(-1)).toBe(1);
    expect(looks(aimd, slow(1.7), 30, { fromS: 40 }).limits.at(-1)).toBe(2);
    expect(looks(aimd, slow(1.4), 30, { fromS: 70 }).limits.at(-1)).toBe(8);
  });
});

test("slots come back one a second, three seconds after the last was taken; from 64 an eighth at a time", () => {
  const aimd = new SlotsAimd(4);
  aimd.observe({ ...CALM, gpuMemory: 1 }, MARKS, { ms: 0, inUse: 4 });
  aimd.observe({ ...CALM, gpuMemory: 1 }, MARKS, { ms: 2_000, inUse: 2 });
  expect(looks(aimd, CALM, 8, { fromS: 3 }).limits).toEqual([1, 1, 2, 3, 4, 4, 4, 4]);
  const many = new SlotsAimd(64);
  looks(many, { ...CALM, gpuMemory: 1 }, 20);
  expect(many.limit).toBe(1);
  expect(looks(many, CALM, 8, { fromS: 20 }).limits).toEqual([9, 17, 25, 33, 41, 49, 57, 64]);
});

test("nothing known, no GPU, or marks of 1: all slots stay", () => {
  const nothing = { latencyGrowth: undefined, gpuUtilization: undefined, gpuMemory: undefined };
  expect(new Set(looks(new SlotsAimd(4), nothing, 60).limits)).toEqual(new Set([4]));
  const allowed = looks(new SlotsAimd(4), { ...CALM, gpuUtilization: 1, gpuMemory: 1 }, 60, {
    marks: { gpuUtilization: 1, gpuMemory: 1 },
  });
  expect(new Set(allowed.limits)).toEqual(new Set([4]));
});

test("slots are taken from those in use, not from those that are allowed but idle", () => {
  const aimd = new SlotsAimd(64);
  expect(aimd.observe({ ...CALM, gpuMemory: 1 }, MARKS, { ms: 0, inUse: 3 })).toBe("gpu-memory");
  expect(aimd.limit).toBe(1);
  const busy = new SlotsAimd(64);
  for (let ms = 0; ms < 60_000; ms += 1_000) {
    expect(busy.observe({ ...CALM, gpuUtilization: 1 }, MARKS, { ms, inUse: 2 })).toBeUndefined();
  }
});
