import { describe, expect, test } from "vitest";
import { SlotLimit } from "../../src/backpressure/slot-limit.js";
import type { TritonFigures } from "../../src/backpressure/triton-reader.js";

const MARKS = { gpuUtilization: 0.9, gpuMemory: 0.9 };
const NO_GPU: TritonFigures = {
  source: "statistics",
  gpuUtilization: undefined,
  gpuMemory: undefined,
  times: undefined,
};
const FULL_MEMORY: TritonFigures = { ...NO_GPU, source: "metrics", gpuUtilization: 0.5, gpuMemory: 0.95 };

/**
 * An endpoint with an instance for every slot and saturating load: batches of 20 ms, so that each slot more is worth it.
 * @returns the slots that were active, once a second.
 */
function saturate(
  limit: SlotLimit,
  { fromS, seconds, figures }: { fromS: number; seconds: number; figures: TritonFigures },
) {
  const slots: number[] = [];
  for (let nowMs = fromS * 1_000; nowMs < (fromS + seconds) * 1_000; nowMs += 20) {
    if (nowMs % 1_000 === 0) {
      limit.look(figures, MARKS, nowMs);
      slots.push(limit.slots);
    }
    const active = limit.slots;
    for (let slot = 0; slot < active; slot++) {
      limit.batchBegins(nowMs);
      limit.callBegins(nowMs);
    }
    for (let slot = 0; slot < active; slot++) {
      limit.callEnds({ model: "m", rows: 32, startedMs: nowMs }, nowMs + 20);
      limit.batchEnds(32, nowMs + 20);
    }
  }
  return slots;
}

describe("the slots that are active", () => {
  test("are those to begin with at first, and never more than are configured", () => {
    expect(new SlotLimit({ slots: 8, firstSlots: 4 }, 0).slots).toBe(4);
    expect(new SlotLimit({ slots: 1, firstSlots: 2 }, 0).slots).toBe(1);
  });

  test("become as many as the endpoint makes use of, and never more than are configured", () => {
    const limit = new SlotLimit({ slots: 4, firstSlots: 2 }, 0);
    const slots = saturate(limit, { fromS: 0, seconds: 90, figures: NO_GPU });
    expect([limit.slots, limit.depth, Math.max(...slots)]).toEqual([4, 4, 4]);
  });

  test("become fewer under pressure, and as many as before after it, without a new search", () => {
    const limit = new SlotLimit({ slots: 4, firstSlots: 2 }, 0);
    saturate(limit, { fromS: 0, seconds: 90, figures: NO_GPU });
    const under = saturate(limit, { fromS: 90, seconds: 60, figures: FULL_MEMORY });
    expect(under.slice(0, 4)).toEqual([2, 2, 1, 1]);
    expect([limit.slots, limit.depth]).toEqual([1, 4]);
    const after = saturate(limit, { fromS: 150, seconds: 10, figures: { ...FULL_MEMORY, gpuMemory: 0.5 } });
    expect(after.slice(0, 4)).toEqual([2, 3, 4, 4]);
  });

  test("stay as they are without load", () => {
    const limit = new SlotLimit({ slots: 4, firstSlots: 2 }, 0);
    for (let nowMs = 0; nowMs < 600_000; nowMs += 1_000) {
      expect(limit.look(NO_GPU, MARKS, nowMs)).toBeUndefined();
      expect([limit.slots, limit.depth]).toEqual([2, 2]);
    }
  });
});
