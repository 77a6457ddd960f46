import { describe, expect, test } from "vitest";
import { LatencyGrowth } from "../../src/backpressure/latency-growth.js";
import { createRandom, noiseOf } from "./simulated-endpoint.js";

interface Call {
  readonly model: string;
  readonly rows: number;
  readonly ms: number;
}

/**
 * Saturating load: `depth` calls in flight on a server with so many instances, first come first served.
 * @returns the growth after each call, and how long each took.
 */
function serve(
  growth: LatencyGrowth,
  {
    calls,
    depth,
    instances,
    fromMs = 0,
  }: { calls: readonly Call[]; depth: number; instances: number; fromMs?: number },
) {
  const freeAt = new Array<number>(instances).fill(fromMs);
  const inFlight: { call: Call; startedMs: number; endsMs: number }[] = [];
  const seen: number[] = [];
  const took: { model: string; ms: number }[] = [];
  let nowMs = fromMs;
  const end = () => {
    inFlight.sort((a, b) => a.endsMs - b.endsMs);
    const first = inFlight.shift();
    if (!first) return;
    nowMs = first.endsMs;
    growth.end({ ...first.call, startedMs: first.startedMs }, nowMs);
    took.push({ model: first.call.model, ms: nowMs - first.startedMs });
    seen.push(growth.growth(nowMs) ?? 0);
  };
  for (const call of calls) {
    if (inFlight.length >= depth) end();
    growth.begin(nowMs);
    const instance = freeAt.indexOf(Math.min(...freeAt));
    const endsMs = Math.max(nowMs, freeAt[instance] ?? 0) + call.ms;
    freeAt[instance] = endsMs;
    inFlight.push({ call, startedMs: nowMs, endsMs });
  }
  while (inFlight.length > 0) end();
  return { seen, took, endMs: nowMs };
}

const repeat = (count: number, call: (i: number) => Call): Call[] => Array.from({ length: count }, (_, i) => call(i));
const image = (ms = 20): Call => ({ model: "image", rows: 32, ms });
const text: Call = { model: "text", rows: 1, ms: 0.7 };
const SERVERS = [
  ["a serial server", 1],
  ["a server of four instances", 4],
] as const;

describe.each(SERVERS)("%s", (_name, instances) => {
  test.each([[[1, 4, 2, 3, 1, 4]], [[2, 1, 2, 4, 1, 2]], [[4, 3, 2, 1, 2, 3, 4]]])(
    "has no growth, however many calls are in flight, and in whatever order that changes: %j",
    (depths) => {
      const growth = new LatencyGrowth();
      let fromMs = 0;
      for (const depth of depths) {
        const { seen, endMs } = serve(growth, { calls: repeat(100, () => image()), depth, instances, fromMs });
        fromMs = endMs;
        expect([depth, Math.max(...seen) < 1.6]).toEqual([depth, true]);
      }
    },
  );

  test("has little growth where compute times vary by 30 %, in 20,000 calls", () => {
    const growth = new LatencyGrowth();
    const random = createRandom(1);
    const { seen } = serve(growth, {
      calls: repeat(20_000, () => image(20 * noiseOf(random, 0.3))),
      depth: 2,
      instances,
    });
    expect(Math.max(...seen)).toBeLessThan(2);
  });

  test.each([1, 2, 4])("that becomes three times slower shows a growth of about three, at depth %i", (depth) => {
    const growth = new LatencyGrowth();
    const { endMs } = serve(growth, { calls: repeat(200, () => image()), depth, instances });
    const { seen } = serve(growth, { calls: repeat(100, () => image(60)), depth, instances, fromMs: endMs });
    expect(seen.at(-1)).toBeGreaterThan(2.8);
    expect(seen.at(-1)).toBeLessThan(3.2);
  });

  test("has no growth while batches grow, and none while quick calls wait behind long ones", () => {
    const growth = new LatencyGrowth();
    const growing = repeat(640, (i) => ({
      model: "image",
      rows: 1 + Math.floor(i / 10),
      ms: 5 + 0.25 * Math.floor(i / 10),
    }));
    const { seen, endMs } = serve(growth, { calls: growing, depth: 2, instances });
    expect(Math.max(...seen)).toBeLessThan(1.5);
    const alone = serve(growth, { calls: repeat(100, () => text), depth: 2, instances, fromMs: endMs });
    const mixed = repeat(300, (i) => (i % 3 === 0 ? { ...image(), rows: 64, ms: 20.75 } : text));
    const { seen: mixedSeen } = serve(growth, { calls: mixed, depth: 2, instances, fromMs: alone.endMs });
    expect(Math.max(...mixedSeen)).toBeLessThan(2);
  });
});

test("text that waits behind pictures would be taken for growth if only its own time counted (control)", () => {
  const mixed = repeat(300, (i) => (i % 3 === 0 ? image() : text));
  const { took } = serve(new LatencyGrowth(), { calls: mixed, depth: 2, instances: 1 });
  const ofText = took.filter(({ model }) => model === "text");
  expect(ofText.reduce((sum, { ms }) => sum + ms, 0) / ofText.length / text.ms).toBeGreaterThan(10);
});

test("what lasts longer than five minutes is usual", () => {
  const growth = new LatencyGrowth();
  const { endMs } = serve(growth, { calls: repeat(500, () => image()), depth: 2, instances: 1 });
  const { seen } = serve(growth, { calls: repeat(6_000, () => image(60)), depth: 2, instances: 1, fromMs: endMs });
  expect(Math.max(...seen)).toBeGreaterThan(2.8);
  expect(seen.at(-1)).toBeCloseTo(1, 1);
});

test("nothing is known of a few calls, of calls that fail, or 5 s after the last one", () => {
  const growth = new LatencyGrowth();
  expect(growth.growth(0)).toBeUndefined();
  for (let i = 0; i < 100; i++) {
    growth.begin(i);
    growth.end(undefined, i + 1);
  }
  expect(growth.growth(101)).toBeUndefined();
  const { seen, endMs } = serve(growth, { calls: repeat(100, () => image()), depth: 1, instances: 1, fromMs: 200 });
  expect(seen.findIndex((one) => one > 0)).toBe(28);
  expect(growth.growth(endMs + 4_999)).toBeCloseTo(1, 5);
  expect(growth.growth(endMs + 5_001)).toBeUndefined();
});
