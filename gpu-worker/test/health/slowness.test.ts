import { describe, expect, test } from "vitest";
import { Silence } from "../../src/health/silence.js";
import { type PeerTimes, Slowness } from "../../src/health/slowness.js";
import { UsualTimes } from "../../src/health/usual-times.js";

/** Peers of that stretch, for which a row usually takes so long. */
const peersAt = (stretch: number, usualMs?: number): PeerTimes => ({ stretch, usualMs: () => usualMs });
const PEERS = peersAt(1);

/** Calls of one row, one after another. */
function run(
  slowness: Slowness,
  { calls, ms, from = 0, peers = PEERS }: Record<"calls" | "ms", number> & { from?: number; peers?: PeerTimes },
) {
  let nowMs = from;
  for (let call = 0; call < calls; call++) {
    const begun = slowness.begin(1, nowMs);
    nowMs += ms;
    slowness.end(begun, peers, nowMs);
  }
  return nowMs;
}

describe("slowness", () => {
  test.each([5, 15, 300])("of calls that take ten times %d ms is known within 2 s", (ms) => {
    const slowness = new Slowness();
    const from = run(slowness, { calls: 20, ms });
    expect(slowness.isLasting(PEERS, from)).toBe(false);
    const open = [slowness.begin(1, from), slowness.begin(1, from)];
    let nowMs = from;
    while (!slowness.isLasting(PEERS, nowMs)) {
      nowMs++;
      for (const [i, call] of open.entries()) {
        if (nowMs - call.startedMs < 10 * ms) continue;
        slowness.end(call, PEERS, nowMs);
        open[i] = slowness.begin(1, nowMs);
      }
    }
    expect(nowMs - from).toBeLessThanOrEqual(2_000);
  });

  test("is none while anything is in time, while the peers are as slow, or for a moment only", () => {
    const slowness = new Slowness();
    const learned = run(slowness, { calls: 20, ms: 5 });
    const paused = run(slowness, { calls: 15, ms: 60, from: learned });
    expect(slowness.isLasting(PEERS, paused)).toBe(false);
    const mixed = run(slowness, { calls: 1, ms: 5, from: paused });
    const slow = run(slowness, { calls: 17, ms: 60, from: mixed });
    expect([slowness.isLasting(PEERS, slow), slowness.isLasting(PEERS, slow + 100)]).toEqual([true, true]);
    const shared = new Slowness();
    run(shared, { calls: 20, ms: 5 });
    const end = run(shared, { calls: 40, ms: 60, from: 1_000, peers: peersAt(10) });
    expect(shared.isLasting(peersAt(10), end)).toBe(false);
    expect(shared.stretch(1_000 + 3 * 60)).toBeGreaterThan(1);
  });

  test("that lasts for a minute is what is usual", () => {
    const slowness = new Slowness();
    const learned = run(slowness, { calls: 20, ms: 5 });
    const later = run(slowness, { calls: 590, ms: 100, from: learned });
    expect(slowness.isLasting(PEERS, later)).toBe(true);
    expect(slowness.isLasting(PEERS, run(slowness, { calls: 30, ms: 100, from: later }))).toBe(false);
  });
});

describe("slowness is not", () => {
  test("what is slower than usual, but faster than the best of the others usually is", () => {
    const isLastingWith = (peers: PeerTimes): boolean => {
      const slowness = new Slowness();
      const learned = run(slowness, { calls: 20, ms: 5 });
      return slowness.isLasting(peers, run(slowness, { calls: 30, ms: 60, from: learned, peers }));
    };
    expect([peersAt(1, 100), peersAt(1, 50), PEERS].map(isLastingWith)).toEqual([false, true, true]);
  });

  test("made of calls with a pause of five seconds between them", () => {
    const isLastingAfter = (pauseMs: number): boolean[] => {
      const slowness = new Slowness();
      const slow = run(slowness, { calls: 2, ms: 60, from: run(slowness, { calls: 20, ms: 5 }) });
      const paused = slow + pauseMs;
      return [
        slowness.isLasting(PEERS, paused),
        slowness.isLasting(PEERS, run(slowness, { calls: 1, ms: 60, from: paused })),
      ];
    };
    expect([isLastingAfter(5_000), isLastingAfter(4_900)]).toEqual([
      [false, false],
      [true, true],
    ]);
  });
});

describe("a single call that hangs", () => {
  const since = (ms: number) => {
    const slowness = new Slowness();
    const from = run(slowness, { calls: 20, ms });
    slowness.begin(1, from);
    return { slowness, at: (afterMs: number) => slowness.isLasting(PEERS, from + afterMs), from };
  };

  test.each([
    [5, 2_000],
    [300, 4 * 1_210],
  ])("where calls take %d ms is enough after %d ms", (ms, hangingMs) => {
    const { at } = since(ms);
    expect([at(hangingMs - 1), at(hangingMs)]).toEqual([false, true]);
  });

  test("is not enough while others are answered in time", () => {
    const { slowness, at, from } = since(5);
    run(slowness, { calls: 1, ms: 5, from: from + 100 });
    expect([at(2_000), at(10_000)]).toEqual([false, false]);
  });
});

test("the usual time of a size that is not known comes from the next one, or grows with the rows", () => {
  const usual = new UsualTimes();
  expect(usual.usualMs(1)).toBeUndefined();
  for (let i = 0; i < 9; i++) usual.learn(8, 10);
  expect(usual.usualMs(8)).toBeUndefined();
  usual.learn(8, 10);
  expect([1, 8, 64].map((rows) => Math.round(usual.usualMs(rows) ?? 0))).toEqual([10, 10, 80]);
});

describe("silence", () => {
  test("grows while a question is not answered, and ends with any answer", () => {
    const silence = new Silence(50);
    const look = (...at: number[]) => at.map((ms) => silence.look(ms));
    expect(look(0, 50, 100)).toEqual([0, 0, 0]);
    silence.asked();
    expect(look(150, 200)).toEqual([50, 100]);
    silence.heard();
    expect(look(250)).toEqual([0]);
    silence.asked();
    expect(look(300)).toEqual([50]);
  });

  test("is not what this process slept through", () => {
    const silence = new Silence(50);
    silence.look(0);
    silence.asked();
    expect(silence.look(10_000)).toBe(100);
  });
});
