import { describe, expect, test } from "vitest";
import { DepthClimber } from "../../src/backpressure/depth-climber.js";
import { climb, createRandom, noiseOf, type SimulatedEndpoint } from "./simulated-endpoint.js";

const SERIAL: SimulatedEndpoint = { instances: 1, computeMs: 20, aroundMs: 4, noise: 0.1 };
const PARALLEL: SimulatedEndpoint = { ...SERIAL, instances: 4 };
const SEEDS = [1, 2, 3];

describe("under full load", () => {
  test.each([1, 2, 3, 4])("a serial server with overhead is found to need 2, from %i", (start) => {
    for (const seed of SEEDS) {
      const found = climb(() => SERIAL, { most: 4, start, seconds: 600, seed });
      expect([seed, found.settled, found.shareAt(2) > 0.8]).toEqual([seed, 2, true]);
    }
  });

  test.each([1, 2, 3, 4])("a server of four instances is found to need 4, from %i", (start) => {
    for (const seed of SEEDS) {
      const found = climb(() => PARALLEL, { most: 4, start, seconds: 300, seed });
      expect([seed, found.settled, found.shareAt(4) > 0.8]).toEqual([seed, 4, true]);
    }
  });

  test("looking for a better depth costs a serial server less than 1 % of what it can do", () => {
    const { rowsPerS } = climb(() => SERIAL, { most: 4, start: 2, seconds: 300, seed: 1 });
    expect(rowsPerS).toBeGreaterThan(0.99 * 32 * 50);
  });

  test("batches that take 0.8 s are enough to learn from", () => {
    const slow = { ...PARALLEL, computeMs: 800 };
    expect(climb(() => slow, { most: 4, start: 2, seconds: 900, seed: 1 }).settled).toBe(4);
  });

  test("a server that changes is found out: from four instances to one, and back", () => {
    const changing = (nowMs: number) => (nowMs > 200_000 && nowMs < 1_500_000 ? SERIAL : PARALLEL);
    const options = { most: 4, start: 2, seed: 1 };
    expect(climb(changing, { ...options, seconds: 190 }).settled).toBe(4);
    expect(climb(changing, { ...options, seconds: 1_490 }).settled).toBe(2);
    expect(climb(changing, { ...options, seconds: 4_000 }).settled).toBe(4);
  });

  test("never leaves 1 to the most that it may use", () => {
    expect(climb(() => PARALLEL, { most: 3, start: 2, seconds: 120, seed: 1 }).settled).toBe(3);
    expect(climb(() => PARALLEL, { most: 1, start: 1, seconds: 60, seed: 1 }).shareAt(1)).toBeCloseTo(1, 6);
  });
});

describe("where every window is 10 % off", () => {
  /** Throughput by depth 1 to 4. */
  const RATES = { serial: [1_333, 1_600, 1_600, 1_600], parallel: [1_333, 2_667, 4_000, 5_333] };
  const WINDOW_MS = 1_300;
  const run = (rates: readonly number[], seed: number) => {
    const random = createRandom(seed);
    const climber = new DepthClimber({ most: 4, start: 2 });
    const windowsAt = [0, 0, 0, 0, 0];
    for (let window = 1; window <= 1_000; window++) {
      climber.measured((rates[climber.depth - 1] ?? 0) * noiseOf(random, 0.1), window * WINDOW_MS);
      windowsAt[climber.settled] = (windowsAt[climber.settled] ?? 0) + 1;
    }
    return { settled: climber.settled, shareAt: (depth: number) => (windowsAt[depth] ?? 0) / 1_000 };
  };

  test.each([
    ["serial", RATES.serial, 2],
    ["parallel", RATES.parallel, 4],
  ])("a %s server is found to need what it needs all the same", (_name, rates, best) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { settled, shareAt } = run(rates, seed);
      // A step up that chance keeps, once in some thousand windows, is taken back 125 windows later.
      expect([seed, settled, shareAt(best) > 0.85]).toEqual([seed, best, true]);
    }
  });

  test("one window against one other would be wrong in a third of all trials (control)", () => {
    const random = createRandom(1);
    let wrong = 0;
    for (let i = 0; i < 1_000; i++) if (noiseOf(random, 0.1) > 1.03 * noiseOf(random, 0.1)) wrong++;
    expect(wrong).toBeGreaterThan(333);
  });
});

describe("trials", () => {
  /** Windows of a second each; the depths after them. */
  const steady = (climber: DepthClimber, fromMs: number, toMs: number, rateOf1 = 1_000): number[] => {
    const depths: number[] = [];
    for (let nowMs = fromMs; nowMs < toMs; nowMs += 1_000) {
      climber.measured(climber.depth === 1 ? rateOf1 : 1_000, nowMs);
      depths.push(climber.depth);
    }
    return depths;
  };

  test("that bring nothing come less and less often", () => {
    // A shallower depth would be worse: only steps up are tried in vain.
    const climber = new DepthClimber({ most: 2, start: 1 });
    const beginnings: number[] = [];
    let before = 1;
    for (let nowMs = 0; nowMs < 3_600_000; nowMs += 1_000) {
      climber.measured(1_000, nowMs);
      // Trials are ABBA: between the first and the second pair the depth goes back for nothing new.
      if (climber.depth === 2 && before === 1 && nowMs - (beginnings.at(-1) ?? -Infinity) > 10_000)
        beginnings.push(nowMs);
      before = climber.depth;
    }
    const gaps = beginnings.slice(1).map((ms, i) => Math.round((ms - (beginnings[i] ?? 0)) / 10_000) * 10);
    expect(gaps.slice(0, 6)).toEqual([30, 50, 90, 170, 330, 610]);
    expect(Math.max(...gaps)).toBe(610);
    expect(climber.settled).toBe(1);
  });

  test("go up, and later down, in the order ABBA, and end at the settled depth", () => {
    const climber = new DepthClimber({ most: 4, start: 3 });
    expect(steady(climber, 0, 11_000)).toEqual(new Array(11).fill(3));
    // Up, in vain.
    expect(steady(climber, 11_000, 20_000)).toEqual([4, 4, 3, 3, 4, 4, 3, 3, 3]);
    // Once more, when twice the time is over: then down, which costs nothing, so that it is kept.
    expect(steady(climber, 20_000, 60_000).filter((depth) => depth === 4)).toHaveLength(4);
    expect(steady(climber, 60_000, 70_000)).toEqual([3, 2, 2, 3, 3, 2, 2, 3, 2, 2]);
    expect(climber.settled).toBe(2);
    // One in flight is tried after ten minutes only.
    expect(steady(climber, 70_000, 665_000)).not.toContain(1);
    expect(steady(climber, 665_000, 690_000)).toContain(1);
    expect(climber.settled).toBe(1);
  });

  test("are forgotten where load ends, and begin anew", () => {
    const climber = new DepthClimber({ most: 4, start: 2 });
    steady(climber, 0, 13_000, 500);
    expect(climber.depth).toBe(3);
    climber.unsaturated(13_000);
    expect([climber.depth, climber.settled]).toEqual([2, 2]);
    expect(steady(climber, 14_000, 22_000, 500)).not.toContain(3);
    expect(steady(climber, 22_000, 32_000, 500)).toContain(3);
  });
});
