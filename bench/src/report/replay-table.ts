import type { ReplayFigures } from "../replay/measure-replay.js";
import { describePace } from "./describe-load.js";
import { formatNumber, formatRatio, formatShare } from "./format-number.js";
import type { Table } from "./table.js";

/** What was measured beside what was simulated with the same arrivals. */
export function replayTable({ overheadMs, rows }: ReplayFigures): Table {
  return {
    title: `The same arrivals measured and simulated (a batch takes ${formatNumber(overheadMs)} ms beside the model)`,
    columns: [
      ...["load", "mean ms", "simulated", "ratio", "p99 ms", "simulated", "ratio", "batch", "simulated"],
      ...["without overhead: mean", "p99", "generator late p99 ms", "others"],
    ],
    rows: rows.map(({ load: { pace, figures }, simulated, ideal }) => [
      describePace(pace),
      ...[figures.meanMs, simulated.meanMs].map(formatNumber),
      formatRatio(figures.meanMs / simulated.meanMs),
      ...[figures.p99Ms, simulated.p99Ms].map(formatNumber),
      formatRatio(figures.p99Ms / simulated.p99Ms),
      ...[figures.meanBatch, simulated.meanBatch, ideal.meanMs, ideal.p99Ms, figures.lateP99Ms].map(formatNumber),
      formatShare(figures.othersShare),
    ]),
  };
}
