import { DepthClimber } from "../../src/backpressure/depth-climber.js";
import { FullWindows } from "../../src/backpressure/full-windows.js";

/** A server with saturating load, and what a slot does around each call. */
export interface SimulatedEndpoint {
  /** Batches that it computes at the same time. */
  readonly instances: number;
  readonly computeMs: number;
  /** Claiming, preparing and settling, in the slot. */
  readonly aroundMs: number;
  /** Coefficient of variation of the compute times. */
  readonly noise: number;
}

/** Numbers in 0..1 that are the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Around 1, with this deviation, never below a tenth (Box and Muller). */
export function noiseOf(random: () => number, deviation: number): number {
  const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.max(0.1, 1 + deviation * gauss);
}

interface SlotState {
  busy: boolean;
  /** When what it does now ends. */
  endsMs: number;
  phase: "around" | "compute";
}

/** Runs slots under a climber for so long. @returns how long each depth was the settled one, and the depth at the end. */
export function climb(
  endpointAt: (nowMs: number) => SimulatedEndpoint,
  options: { readonly most: number; readonly start: number; readonly seconds: number; readonly seed: number },
) {
  const random = createRandom(options.seed);
  const climber = new DepthClimber(options);
  const windows = new FullWindows();
  const slots: SlotState[] = Array.from({ length: options.most }, () => ({ busy: false, endsMs: 0, phase: "around" }));
  const instances: number[] = [];
  const msAt = new Map<number, number>();
  let rows = 0;
  let depth = climber.depth;
  let nowMs = 0;
  windows.restart(depth, nowMs);
  const follow = () => {
    if (climber.depth === depth) return;
    depth = climber.depth;
    windows.restart(depth, nowMs);
  };
  const begin = (slot: SlotState) => {
    windows.begin(nowMs);
    Object.assign(slot, { busy: true, phase: "around", endsMs: nowMs + endpointAt(nowMs).aroundMs });
  };
  const compute = (slot: SlotState) => {
    const { instances: count, computeMs, noise } = endpointAt(nowMs);
    instances.length = count;
    for (let i = 0; i < count; i++) instances[i] ??= 0;
    const free = instances.indexOf(Math.min(...instances));
    const endsMs = Math.max(nowMs, instances[free] ?? 0) + computeMs * noiseOf(random, noise);
    instances[free] = endsMs;
    Object.assign(slot, { phase: "compute", endsMs });
  };
  while (nowMs < options.seconds * 1_000) {
    for (const slot of slots.slice(0, depth)) if (!slot.busy) begin(slot);
    const busy = slots.filter((slot) => slot.busy);
    const next = busy.reduce((first, slot) => (slot.endsMs < first.endsMs ? slot : first));
    msAt.set(climber.settled, (msAt.get(climber.settled) ?? 0) + next.endsMs - nowMs);
    nowMs = next.endsMs;
    if (next.phase === "around") {
      compute(next);
      continue;
    }
    next.busy = false;
    rows += 32;
    const end = windows.end(32, nowMs);
    if (end?.kind === "full") climber.measured(end.rate, nowMs);
    else if (end) climber.unsaturated(nowMs);
    follow();
  }
  return {
    settled: climber.settled,
    rowsPerS: (rows * 1_000) / nowMs,
    shareAt: (depth: number) => (msAt.get(depth) ?? 0) / nowMs,
  };
}
