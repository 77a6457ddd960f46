import type { Wake } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { createTaskWaits, type WakeReason } from "../src/tasks/task-waits.js";

/** Wake-ups by hand. */
function fakeEvents() {
  const listeners = new Map<string, Set<Wake>>();
  return {
    wake: (runId: string) => listeners.get(runId)?.forEach((listener) => listener(undefined)),
    heard: () => [...listeners].filter(([, set]) => set.size > 0).map(([runId]) => runId),
    listen(runId: string, listener: Wake) {
      const set = listeners.get(runId) ?? new Set();
      listeners.set(runId, set.add(listener));
      return () => void set.delete(listener);
    },
  };
}

function setUp() {
  const events = fakeEvents();
  const waits = createTaskWaits(events, { epochMs: () => 0, monotonicMs: () => 0 });
  return { events, waits };
}

/** The reason, or "still" if it has not come by now. */
async function now(next: Promise<WakeReason>): Promise<WakeReason | "still"> {
  return await Promise.race([next, new Promise<"still">((resolve) => setImmediate(() => resolve("still")))]);
}

describe("a wait", () => {
  test("is woken once for each wake-up, also by one that came before it looked", async () => {
    const { events, waits } = setUp();
    const wait = waits.open("run", 1_000);
    events.wake("run");
    expect(await now(wait.next())).toBe("look");
    const next = wait.next();
    expect(await now(next)).toBe("still");
    events.wake("other");
    expect(await now(next)).toBe("still");
    events.wake("run");
    expect(await now(next)).toBe("look");
  });

  test("hears the run that it follows, and no other", async () => {
    const { events, waits } = setUp();
    const wait = waits.open("run", 1_000);
    wait.follow("twin");
    expect([events.heard(), wait.runId]).toEqual([["twin"], "twin"]);
    events.wake("twin");
    expect(await now(wait.next())).toBe("look");
  });

  test("what ends it stays, and comes before a wake-up", async () => {
    const { events, waits } = setUp();
    const wait = waits.open("run", 1_000);
    events.wake("run");
    wait.leave();
    events.wake("run");
    expect(await now(wait.next())).toBe("gone");
    expect(await now(wait.next())).toBe("gone");
  });

  test("is ended by draining, and one that is opened later at once", async () => {
    const { waits } = setUp();
    const before = waits.open("run", 1_000);
    waits.drain();
    expect(await now(before.next())).toBe("draining");
    expect(await now(waits.open("run", 1_000).next())).toBe("draining");
  });

  test("leaves nothing when it is closed", () => {
    const { events, waits } = setUp();
    const wait = waits.open("run", 1_000);
    expect(waits.count()).toBe(1);
    wait.close();
    expect([waits.count(), events.heard()]).toEqual([0, []]);
  });
});

test("by the clock, a wait looks again after 1.5 to 2.5 s, and is over at its end", async () => {
  const events = fakeEvents();
  let nowMs = 0;
  const waits = createTaskWaits(events, { epochMs: () => 0, monotonicMs: () => nowMs }, { random: () => 0.5 });
  await waits.start();
  const at = async (ms: number, next: Promise<WakeReason>) => {
    nowMs = ms;
    return await Promise.race([next, new Promise((resolve) => setTimeout(() => resolve("still"), 250))]);
  };
  const wait = waits.open("run", 5_000);
  const first = wait.next();
  expect(await at(1_990, first)).toBe("still");
  expect(await at(2_000, first)).toBe("look");
  const second = wait.next();
  expect(await at(3_900, second)).toBe("still");
  expect(await at(4_100, second)).toBe("look");
  const third = wait.next();
  expect(await at(4_990, third)).toBe("still");
  expect(await at(5_000, third)).toBe("over");
  wait.close();
  await waits.stop();
});
