import type { BenchResult, DirectRun, LoadRun, TextFigures } from "../bench-result.js";
import { replayTable } from "./replay-table.js";
import { overloadTables } from "./overload-tables.js";
import { durabilityTable } from "./durability-table.js";
import { describeLoad, describePace } from "./describe-load.js";
import { directFloor, pacedHttpFloor, ratio, sharpFloor } from "./floors.js";
import { formatNumber, formatRatio, formatShare } from "./format-number.js";
import type { Table } from "./table.js";
import { targetTable } from "./target-table.js";
import { targetsOf } from "./targets.js";

/** Everything that was measured, as tables. CPU is in microseconds per task. */
export function resultTables(result: BenchResult): Table[] {
  const { generator, http, triton, tensors, durability, text, overload, replay, pictures } = result;
  return [
    ...(generator ? [httpTable("The load generator alone: it is answered the same bytes at once", generator)] : []),
    ...(http
      ? [
          httpTable("A hono route with one EVALSHA and one read, flat out", http.flatOut),
          httpTable("The same route, answers let go 64 every 24 ms", http.paced),
        ]
      : []),
    ...(triton ? [directTable("Full batches of 64 texts straight to Triton over gRPC", "rows/s", triton)] : []),
    ...(tensors ? [tensorTable(tensors)] : []),
    ...(durability ? [durabilityTable(durability)] : []),
    ...(text ? textTables(text, result) : []),
    ...(pictures ? pictureTables(pictures, result) : []),
    ...(text
      ? [targetTable("Targets: texts, submit and wait, 256 clients if not said otherwise", targetsOf(result))]
      : []),
    ...(overload ? overloadTables(overload) : []),
    ...(replay ? [replayTable(replay)] : []),
  ];
}

function httpTable(title: string, runs: readonly LoadRun[]): Table {
  const processes = processesOf(runs);
  return {
    title,
    columns: ["load", "requests/s", "p50 ms", "p99 ms", "others", ...processes.map(cpuHeading)],
    rows: runs.map(({ pace, figures }) => [
      describePace(pace),
      ...[figures.perS, figures.p50Ms, figures.p99Ms].map(formatNumber),
      formatShare(figures.othersShare),
      ...processes.map((name) => formatNumber(figures.cpuUs[name])),
    ]),
  };
}

function directTable(title: string, unit: string, runs: readonly DirectRun[]): Table {
  const processes = Object.keys(runs[0]?.cpuUs ?? {});
  return {
    title,
    columns: ["in flight", unit, "call p50 ms", "call p99 ms", ...processes.map(cpuHeading)],
    rows: runs.map(({ inFlight, perS, p50Ms, p99Ms, cpuUs }) => [
      String(inFlight),
      ...[perS, p50Ms, p99Ms].map(formatNumber),
      ...processes.map((name) => formatNumber(cpuUs[name])),
    ]),
  };
}

function tensorTable({ grpc, sharedMemory }: NonNullable<BenchResult["tensors"]>): Table {
  const { columns } = directTable("", "rows/s", grpc);
  const rowsOf = (way: string, runs: readonly DirectRun[]): string[][] =>
    directTable("", "", runs).rows.map((row, index) => [
      `${way}, ${row[0]} in flight`,
      ...row.slice(1),
      formatRatio(ratio(runs[index]?.perS, grpc[index]?.perS)),
    ]);
  return {
    title: "Full batches of 64 x 3 x 224 x 224 FP32 (37 MiB) to a model that computes next to nothing",
    columns: ["way", ...columns.slice(1), "of gRPC"],
    rows: [...rowsOf("gRPC", grpc), ...rowsOf("shared memory", sharedMemory)],
  };
}

function textTables({ loads, mode, single }: TextFigures, result: BenchResult): Table[] {
  const direct = directFloor(result);
  const hono = pacedHttpFloor(result);
  const oneText = `p50 ${formatNumber(single.p50Ms)} ms, p99 ${formatNumber(single.p99Ms)} ms`;
  return [
    loadTable(`Sluice, texts of 2 KB, model sleep, ${mode} batches (one text straight to Triton: ${oneText})`, loads, {
      heading: "of direct",
      ratioOf: ({ figures }) => ratio(figures.perS, direct?.perS),
    }),
    cpuTable("Sluice, texts: CPU us per task", loads, {
      heading: "api of hono",
      ratioOf: ({ figures }) => ratio(figures.cpuUs["api"], hono?.figures.cpuUs["hono"]),
    }),
  ];
}

function pictureTables({ sharp, sluice }: NonNullable<BenchResult["pictures"]>, result: BenchResult): Table[] {
  const floor = sharpFloor(result);
  return [
    directTable("sharp alone: 640x480 JPEGs to the model's input size", "pictures/s", sharp),
    loadTable("Sluice, the same pictures, model shapes", sluice, {
      heading: "of sharp",
      ratioOf: ({ figures }) => ratio(figures.perS, floor?.perS),
    }),
    cpuTable("Sluice, pictures: CPU us per task", sluice, {
      heading: "worker of sharp",
      ratioOf: ({ figures }) => ratio(figures.cpuUs["gpu-worker"], floor?.cpuUs["client"]),
    }),
  ];
}

/** A last column that sets a run against its floor. */
interface RatioColumn {
  readonly heading: string;
  readonly ratioOf: (run: LoadRun) => number | undefined;
}

function loadTable(title: string, runs: readonly LoadRun[], { heading, ratioOf }: RatioColumn): Table {
  return {
    title,
    columns: [
      "load",
      "tasks/s",
      "p50 ms",
      "p99 ms",
      "max ms",
      "mean batch",
      "rows/task",
      "late p99 ms",
      "others",
      heading,
    ],
    rows: runs.map((run) => {
      const { perS, p50Ms, p99Ms, maxMs, meanBatch, rowsPerTask, lateP99Ms } = run.figures;
      const figures = [perS, p50Ms, p99Ms, maxMs, meanBatch, rowsPerTask, lateP99Ms].map(formatNumber);
      return [describeLoad(run), ...figures, formatShare(run.figures.othersShare), formatRatio(ratioOf(run))];
    }),
  };
}

function cpuTable(title: string, runs: readonly LoadRun[], { heading, ratioOf }: RatioColumn): Table {
  const processes = processesOf(runs);
  return {
    title,
    columns: ["load", ...processes, "all", heading],
    rows: runs.map((run) => {
      const each = processes.map((name) => run.figures.cpuUs[name] ?? 0);
      const all = each.reduce((sum, us) => sum + us, 0);
      return [describeLoad(run), ...[...each, all].map(formatNumber), formatRatio(ratioOf(run))];
    }),
  };
}

function processesOf(runs: readonly LoadRun[]): string[] {
  return Object.keys(runs[0]?.figures.cpuUs ?? {});
}

function cpuHeading(process: string): string {
  return `${process} us`;
}
