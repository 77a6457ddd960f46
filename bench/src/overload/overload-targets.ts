import type { Target } from "../report/targets.js";
import type { Latency, OverloadFigures } from "./overload-figures.js";

/** Least goodput in per cent of capacity, and least part of the accepted that are done in time. */
const LEAST_GOODPUT = 95;
const LEAST_IN_TIME = 99;
const SLOWEST_REFUSAL_MS = 20;
/** What memory may have grown to, and latency stay at, as a ratio. */
const MOST_GROWTH = 1.1;
const MOST_SLOWDOWN = 1.5;

/** What an overload must not do to Sluice, and what it has done. */
export function overloadTargets(figures: OverloadFigures): Target[] {
  const { terms, goodputPerS, accepted, inTime, refusals, misrefusals, refusal, memory, before, after } = figures;
  const slowdown = (name: keyof Latency): number | undefined => known(after[name] / before[name]);
  const within = `${terms.recoverMs / 1_000} s after the overload, of that before`;
  return [
    {
      name: `goodput, of the capacity of ${Math.round(terms.capacityPerS)}/s`,
      unit: "%",
      value: known((100 * goodputPerS) / terms.capacityPerS),
      atLeast: LEAST_GOODPUT,
    },
    {
      name: `accepted tasks done within their ${terms.deadlineMs} ms`,
      unit: "%",
      value: known((100 * inTime) / accepted),
      atLeast: LEAST_IN_TIME,
    },
    { name: "refusals, p99 of an idle client", unit: "ms", value: known(refusal.p99Ms), atMost: SLOWEST_REFUSAL_MS },
    {
      name: "refusals other than 503 with a Retry-After of 1 s or more and a code that says why",
      unit: "",
      value: refusals + misrefusals === 0 ? undefined : misrefusals,
      atMost: 0,
    },
    ...memory.map(({ name, earlyMb, lateMb }): Target => ({
      name: `memory of ${name} at the overload's end, of that at its beginning`,
      unit: "x",
      value: known(lateMb / earlyMb),
      atMost: MOST_GROWTH,
    })),
    { name: `p50 ${within}`, unit: "x", value: slowdown("p50Ms"), atMost: MOST_SLOWDOWN },
    { name: `p99 ${within}`, unit: "x", value: slowdown("p99Ms"), atMost: MOST_SLOWDOWN },
  ];
}

/** Undefined instead of a figure of nothing. */
function known(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
