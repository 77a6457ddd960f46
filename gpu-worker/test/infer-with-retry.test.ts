import { BrokerError, type Clock } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { inferWithRetry } from "../src/infer-with-retry.js";
import { createRetryBudget } from "../src/retry-budget.js";

const down = new BrokerError("endpoint-unavailable", "down");
const bad = new BrokerError("input-rejected", "bad");
const internal = new BrokerError("upstream-invalid", "internal");

/** Calls that come to these ends, one after the other, on a clock that only pauses and calls move. */
function script(ends: ("ok" | BrokerError)[], { callMs = 0, tokens = 10, isOver = false } = {}) {
  let nowMs = 0;
  const clock: Clock = { epochMs: () => nowMs, monotonicMs: () => nowMs };
  const [remaining, pauses, retried]: [number[], number[], BrokerError[]] = [[], [], []];
  const run = (limits = { maxAttempts: 3, baseMs: 100, deadlineMs: 1_000 }) =>
    inferWithRetry(
      async (remainingMs) => {
        remaining.push(remainingMs);
        nowMs += callMs;
        const end = ends.shift();
        if (end !== "ok") throw end ?? new Error("called too often");
        return "answer";
      },
      limits,
      {
        clock,
        budget: createRetryBudget(0, tokens),
        random: () => 0.5,
        pause: async (ms) => {
          pauses.push(ms);
          nowMs += ms;
        },
        isOver: () => isOver,
        onRetry: (error) => retried.push(error),
      },
    );
  return { run, remaining, pauses, retried };
}

describe("an inference call", () => {
  test("is not made again when the endpoint was given up", async () => {
    const { run, remaining, retried } = script([down, "ok"], { isOver: true });
    expect(await run()).toEqual({ kind: "unavailable", error: down });
    expect([remaining.length, retried]).toEqual([1, []]);
  });

  test("that works is made once, with all the time there is", async () => {
    const { run, remaining, pauses } = script(["ok"]);
    expect(await run()).toEqual({ kind: "answered", response: "answer" });
    expect({ remaining, pauses }).toEqual({ remaining: [1_000], pauses: [] });
  });

  test("is repeated while the endpoint is the trouble, later and with less time each time", async () => {
    const { run, remaining, pauses, retried } = script([down, down, "ok"]);
    expect(await run()).toEqual({ kind: "answered", response: "answer" });
    expect({ remaining, pauses, retried }).toEqual({
      remaining: [1_000, 950, 850],
      pauses: [50, 100],
      retried: [down, down],
    });
  });

  test("is given up after three tries", async () => {
    const { run, remaining } = script([down, down, down]);
    expect(await run()).toEqual({ kind: "unavailable", error: down });
    expect(remaining).toHaveLength(3);
  });

  test("is given up at once when the budget is spent", async () => {
    const { run, remaining, pauses } = script([down], { tokens: 0 });
    expect(await run()).toEqual({ kind: "unavailable", error: down });
    expect({ remaining, pauses }).toEqual({ remaining: [1_000], pauses: [] });
  });

  test("is not repeated when its pause would reach the deadline", async () => {
    const { run, remaining } = script([down], { callMs: 960 });
    expect(await run()).toEqual({ kind: "unavailable", error: down });
    expect(remaining).toEqual([1_000]);
  });

  test("is not made when the lease is over", async () => {
    const { run, remaining } = script([]);
    expect(await run({ maxAttempts: 3, baseMs: 1, deadlineMs: 0 })).toMatchObject({ kind: "unavailable" });
    expect(remaining).toEqual([]);
  });

  test("that is refused is not repeated, whoever is to blame", async () => {
    const failure = (error: BrokerError) => ({ code: error.code, message: error.message });
    expect(await script([bad]).run()).toEqual({ kind: "refused", failure: failure(bad), certain: true });
    expect(await script([internal]).run()).toEqual({ kind: "refused", failure: failure(internal), certain: false });
  });
});
