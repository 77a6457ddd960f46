import { type Chart, drawCharts } from "./line-chart.js";
import { POLICY_NAMES, type PolicyName, type ReportRow } from "./report-rows.js";
import type { Outcome } from "./tally.js";

const COLORS: Readonly<Record<PolicyName, string>> = {
  "fixed 64/50": "#b0b0b0",
  "best fixed": "#e0a030",
  eager: "#4080d0",
  adaptive: "#208040",
};

/** What is compared, and what of it a chart shows. */
const MEASURES: readonly {
  readonly title: string;
  readonly yMax: (rows: readonly ReportRow[]) => number;
  readonly of: (outcome: Outcome) => number;
}[] = [
  { title: "mean (ms)", of: ({ meanMs }) => meanMs, yMax: (rows) => 2 * topOf(rows, ({ meanMs }) => meanMs) },
  { title: "p99 (ms)", of: ({ p99Ms }) => p99Ms, yMax: (rows) => 2 * topOf(rows, ({ p99Ms }) => p99Ms) },
  { title: "mean batch", of: ({ meanBatch }) => meanBatch, yMax: () => 64 },
  { title: "GPU share", of: ({ gpuShare }) => gpuShare, yMax: () => 1 },
];

/** Tables, one for each curve, in Markdown. */
export function tabulateRows(rows: readonly ReportRow[]): string {
  const tables = groupsOf(rows).map(({ title, rows: group }) => [`## ${title}`, "", tableOf(group)].join("\n"));
  return `# Simulated batching\n\n${tables.join("\n\n")}\n`;
}

/** A chart of each measure for each curve: lines over the load. */
export function plotRows(rows: readonly ReportRow[]): string {
  const charts = groupsOf(rows).flatMap(({ title, rows: group }) =>
    MEASURES.map((measure): Chart => ({
      title: `${title}: ${measure.title}`,
      xLabel: "load",
      yMax: niceTop(measure.yMax(group)),
      lines: POLICY_NAMES.map((name) => ({
        name,
        color: COLORS[name],
        points: group.map(({ load, outcomes }) => [load, measure.of(outcomes[name])] as const),
      })),
    })),
  );
  return drawCharts(charts, MEASURES.length);
}

function tableOf(rows: readonly ReportRow[]): string {
  const head = ["Load", "Tasks/s", ...POLICY_NAMES.map((name) => `${name}: mean, p99 (ms), batch, GPU`), "Best window"];
  const lines = rows.map(({ load, perSecond, outcomes, bestFixed }) => [
    String(load),
    perSecond.toFixed(0),
    ...POLICY_NAMES.map((name) => cellOf(outcomes[name])),
    bestFixed,
  ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cellOf({ meanMs, p99Ms, meanBatch, gpuShare }: Outcome): string {
  return `${meanMs.toFixed(2)}, ${p99Ms.toFixed(1)}, ${meanBatch.toFixed(1)}, ${(100 * gpuShare).toFixed(0)} %`;
}

function groupsOf(rows: readonly ReportRow[]): { readonly title: string; readonly rows: ReportRow[] }[] {
  const groups = new Map<string, ReportRow[]>();
  for (const row of rows) {
    const title = `${row.curve} ms${row.servers === 1 ? "" : `, ${row.servers} servers`}`;
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  return [...groups].map(([title, group]) => ({ title, rows: group }));
}

/** The largest value of the adaptive rule: others may leave the chart. */
function topOf(rows: readonly ReportRow[], of: (outcome: Outcome) => number): number {
  return Math.max(...rows.map(({ outcomes }) => of(outcomes.adaptive)));
}

function niceTop(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * ([1, 2, 4, 5, 8, 10].find((factor) => factor * unit >= value) ?? 10);
}
