import { expect, test } from "vitest";
import { FullWindows, type WindowEnd } from "../../src/backpressure/full-windows.js";

/** Slots that take a batch of 32 each `everyMs` and hold it for `holdMs`; what the windows say until `untilMs`. */
function drive(
  slots: number,
  options: { everyMs: number; holdMs: number; untilMs: number; rows?: number },
): WindowEnd[] {
  const windows = new FullWindows();
  windows.restart(slots, 0);
  const events: { atMs: number; what: "begin" | "end" }[] = [];
  for (let slot = 0; slot < slots; slot++) {
    for (let atMs = (slot * options.everyMs) / slots; atMs < options.untilMs; atMs += options.everyMs) {
      events.push({ atMs, what: "begin" }, { atMs: atMs + options.holdMs, what: "end" });
    }
  }
  events.sort((a, b) => a.atMs - b.atMs);
  const ends: WindowEnd[] = [];
  for (const { atMs, what } of events) {
    if (what === "begin") windows.begin(atMs);
    else ends.push(...[windows.end(options.rows ?? 32, atMs)].filter((end) => end !== undefined));
  }
  return ends;
}

test("a window of full slots tells their throughput, whatever part of a second a batch takes", () => {
  for (const everyMs of [10, 37, 130]) {
    const ends = drive(2, { everyMs, holdMs: everyMs - 1, untilMs: 10_000 });
    expect(ends.length).toBeGreaterThan(2);
    for (const end of ends) {
      expect(end).toEqual({ kind: "full", rate: expect.closeTo((2 * 32 * 1_000) / everyMs, 3) as number });
    }
  }
});

test("slots that are idle for more than a quarter of the time make no full window", () => {
  const idle = { everyMs: 20, holdMs: 14, untilMs: 5_000 };
  expect(new Set(drive(2, idle).map(({ kind }) => kind))).toEqual(new Set(["unsaturated"]));
  expect(new Set(drive(2, { ...idle, holdMs: 16 }).map(({ kind }) => kind))).toEqual(new Set(["full"]));
});

test("nothing is measured right after a change, and nothing that serves no row counts", () => {
  // 300 ms, and a second for the window itself.
  expect(drive(2, { everyMs: 20, holdMs: 19, untilMs: 1_250 })).toEqual([]);
  expect(drive(2, { everyMs: 20, holdMs: 19, untilMs: 1_400 })).toHaveLength(1);
  expect(drive(2, { everyMs: 20, holdMs: 19, untilMs: 1_400, rows: 0 })).toEqual([{ kind: "unsaturated" }]);
});

test("batches of a second each make windows of 15 s; fewer than eight in it say nothing", () => {
  const ends = drive(1, { everyMs: 1_000, holdMs: 990, untilMs: 40_000 });
  expect(ends).toEqual([
    { kind: "full", rate: 32 },
    { kind: "full", rate: 32 },
  ]);
  expect(drive(1, { everyMs: 5_000, holdMs: 4_990, untilMs: 60_000 })[0]).toEqual({ kind: "unsaturated" });
});

test("where nothing ends at all, that is told after half a minute, again and again", () => {
  const windows = new FullWindows();
  windows.restart(2, 0);
  windows.begin(0);
  const told: number[] = [];
  for (let nowMs = 0; nowMs <= 65_000; nowMs += 1_000) if (windows.look(nowMs)) told.push(nowMs);
  expect(told).toEqual([31_000, 61_000]);
});
