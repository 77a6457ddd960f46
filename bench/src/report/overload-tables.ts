import type { OverloadFigures } from "../overload/overload-figures.js";
import { overloadTargets } from "../overload/overload-targets.js";
import { formatNumber, formatShare } from "./format-number.js";
import type { Table } from "./table.js";
import { targetTable } from "./target-table.js";

/** What happened when, and what of it had to be. */
export function overloadTables(figures: OverloadFigures): Table[] {
  return [timelineTable(figures), cpuTable(figures), targetTable("Targets: overload", overloadTargets(figures))];
}

function cpuTable({ cpu: { cores, othersShare } }: OverloadFigures): Table {
  const names = Object.keys(cores);
  return {
    title: "Cores in use while the overload was on, and the part of the machine that others used",
    columns: ["", ...names, "others"],
    rows: [["cores", ...names.map((name) => formatNumber(cores[name])), formatShare(othersShare)]],
  };
}

function timelineTable({ timeline, terms, lateP99Ms, refusals, codes }: OverloadFigures): Table {
  const processes = Object.keys(timeline[0]?.memoryMb ?? {});
  const why = Object.entries(codes).map(([code, count]) => `${count} ${code}`);
  const facts = [
    `capacity ${formatNumber(terms.capacityPerS)}/s, deadline ${terms.deadlineMs} ms`,
    `generator late p99 ${formatNumber(lateP99Ms)} ms`,
    `${refusals} refusals${why.length === 0 ? "" : `: ${why.join(", ")}`}`,
  ];
  return {
    title: `Overload, seconds since it began (${facts.join("; ")})`,
    columns: [
      "s",
      ...["phase", "offered/s", "accepted/s", "done in time/s", "late/s", "expired/s", "p50 ms", "p99 ms"],
      ...["refusal p99 ms", "open runs", "mean batch", ...processes.map((name) => `${name} MB`)],
    ],
    rows: timeline.map((row) => [
      `${row.fromS} to ${row.toS}`,
      row.phase,
      ...[row.offeredPerS, row.acceptedPerS, row.inTimePerS, row.latePerS, row.expiredPerS].map(formatNumber),
      ...[row.latency.p50Ms, row.latency.p99Ms, row.refusalP99Ms, row.openRuns, row.meanBatch].map(formatNumber),
      ...processes.map((name) => formatNumber(row.memoryMb[name])),
    ]),
  };
}
