import { formatTable } from "../table.js";
import type { LaneView, PoolView } from "./read-pools.js";

const HEADER = ["lane", "mode", "open", "rate/s", "load", "enough", "most", "drift", "size", "wait ms", "latest left"];
/** Names, mode and reasons stand at the left, numbers at the right. */
const NUMBERS = [2, 3, 4, 5, 6, 7, 8, 9];

/**
 * Pools as lines of text, each with a table of its lanes and what is learned about their batches. Pure.
 * @param all lanes too in which nothing has happened.
 */
export function formatPools(pools: readonly PoolView[], { all }: { readonly all: boolean }): string[] {
  if (pools.length === 0) return ["No model is registered."];
  return pools.flatMap((pool, i) => [...(i > 0 ? [""] : []), ...formatPool(pool, all)]);
}

function formatPool({ pool, liveSlots, credits, lanes }: PoolView, all: boolean): string[] {
  const head = `pool ${pool}: ${liveSlots} live slots, ${credits.free} of ${credits.total} credits free`;
  if (lanes.length === 0) return [head, "  no batcher tells anything about it"];
  const shown = all ? lanes : lanes.filter((lane) => !isQuiet(lane));
  const quiet = lanes.length - shown.length;
  const left = quiet > 0 ? [`  ${quiet} quiet ${quiet === 1 ? "lane" : "lanes"} (--all shows them)`] : [];
  const table = shown.length > 0 ? formatTable([HEADER, ...shown.map(rowOf)], NUMBERS) : [];
  return [head, ...table.map((line) => `  ${line}`), ...learnedTables(shown), ...left];
}

function isQuiet({ report: { openRuns, arrivalsPerS, latest } }: LaneView): boolean {
  return openRuns === 0 && arrivalsPerS < 0.01 && latest.rows === 0;
}

function rowOf({ report, load }: LaneView): string[] {
  const { lane, mode, openRuns, arrivalsPerS, enough, most, drift, latest } = report;
  const reasons = Object.entries(latest.reasons).sort(([, a], [, b]) => b - a);
  const batches = reasons.reduce((sum, [, count]) => sum + count, 0);
  const mean = (total: number) => (batches === 0 ? "-" : (total / batches).toFixed(1));
  return [
    lane,
    mode,
    String(openRuns),
    arrivalsPerS.toFixed(arrivalsPerS < 10 ? 1 : 0),
    load === undefined ? "-" : `${Math.round(100 * load)} %`,
    String(enough),
    String(most),
    drift.toFixed(2),
    mean(latest.rows),
    mean(latest.waitMs),
    reasons.map(([reason, count]) => `${reason} ${count}`).join(", ") || "-",
  ];
}

/** The classes of a version share what is learned: it is shown once. */
function learnedTables(lanes: readonly LaneView[]): string[] {
  const shown = new Map(lanes.map((lane) => [lane.report.lane.replace(/:[a-z]+$/, ""), lane]));
  return [...shown].flatMap(([version, { learned, learnedAgeMs = 0 }]) => {
    if (learned.length === 0) return [];
    const rows = [
      ["rows", ...learned.map(({ size }) => String(Math.round(size)))],
      ["p50 ms", ...learned.map(({ p50Ms }) => p50Ms.toFixed(1))],
      ["p95 ms", ...learned.map(({ p95Ms }) => p95Ms.toFixed(1))],
    ];
    const title = `  service times of ${version}, learned ${Math.round(learnedAgeMs / 1_000)} s ago`;
    const columns = learned.map((_, i) => i + 1);
    return [title, ...formatTable(rows, columns).map((line) => `    ${line}`)];
  });
}
