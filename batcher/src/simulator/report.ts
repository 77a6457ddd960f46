import { type Chart, drawCharts } from "./line-chart.js";
import { type Figures, POLICY_NAMES, type PolicyName, type ReportRow } from "./report-rows.js";
import { FROM_NOTHING, type Workload } from "./workloads.js";
import { ALIKE, AT_MOST_IN_DOUBT, type Verdict } from "./verdict.js";

const COLORS: Readonly<Record<PolicyName, string>> = {
  "fixed 64/50": "#b0b0b0",
  "best fixed": "#e0a030",
  eager: "#4080d0",
  adaptive: "#208040",
};

/** What is compared, and where its axis ends. */
const MEASURES: readonly {
  readonly title: string;
  readonly figure: keyof Figures;
  readonly yMax: (rows: readonly ReportRow[]) => number;
}[] = [
  { title: "mean (ms)", figure: "meanMs", yMax: (rows) => 1.5 * topOf(rows, "meanMs") },
  { title: "p99 (ms)", figure: "p99Ms", yMax: (rows) => 1.5 * topOf(rows, "p99Ms") },
  { title: "mean batch", figure: "meanBatch", yMax: () => 64 },
  { title: "GPU share", figure: "gpuShare", yMax: () => 1 },
];

/** A summary, then a table for each title, in Markdown. */
export function tabulateRows(rows: readonly ReportRow[]): string {
  const tables = groupsOf(rows).map(({ title, rows: group }) => [`## ${title}`, "", tableOf(group)].join("\n"));
  return `# Simulated batching\n\n${summaryOf(rows)}\n\n${tables.join("\n\n")}\n`;
}

/**
 * A chart of each measure for each title whose rows have loads below 1: lines over the load.
 * @param perRow so many charts side by side.
 */
export function plotRows(rows: readonly ReportRow[], perRow: number = MEASURES.length): string {
  const plotted = rows.filter(({ workload: { load, by } }) => load !== undefined && by === "mean");
  const charts = groupsOf(plotted).flatMap(({ title, rows: group }) =>
    MEASURES.map((measure): Chart => ({
      title: `${title}: ${measure.title}`,
      xLabel: "load",
      yMax: niceTop(measure.yMax(group)),
      lines: POLICY_NAMES.map((name) => ({
        name,
        color: COLORS[name],
        points: group.map(({ workload, figures }) => [workload.load ?? 0, figures[name][measure.figure]] as const),
      })),
    })),
  );
  return drawCharts(charts, perRow);
}

function summaryOf(rows: readonly ReportRow[]): string {
  const isFromNothing = ({ workload }: ReportRow): boolean => workload.title === FROM_NOTHING;
  const counts = (some: readonly ReportRow[]): string => {
    const count = (kind: Verdict["kind"]): number => some.filter(({ verdict }) => verdict.kind === kind).length;
    return `better than the best of 16 fixed windows in ${count("better")}, equal in ${count("equal")} and worse in ${count("worse")}`;
  };
  const worse = rows.filter(({ verdict }) => verdict.kind === "worse");
  const [learned, fromNothing] = [rows.filter((row) => !isFromNothing(row)), rows.filter(isFromNothing)];
  return [
    `Of ${learned.length} rows adaptive is ${counts(learned)}; of ${fromNothing.length} in which nothing is known at first it is ${counts(fromNothing)}.`,
    `Equal: within ${100 * ALIKE} %, or within twice the standard error that the seeds leave (±) if that is no more than ${100 * AT_MOST_IN_DOUBT} %.`,
    "Compared is the mean, or where tasks have deadlines the part that was done in time.",
    ...(worse.length === 0
      ? []
      : ["", "Worse:", "", tableOf(worse, ({ workload }) => `${workload.title}: ${nameOf(workload)}`)]),
  ].join("\n");
}

function tableOf(
  rows: readonly ReportRow[],
  label: (row: ReportRow) => string = ({ workload }) => nameOf(workload),
): string {
  const head = [
    "Workload",
    "Tasks/s",
    ...POLICY_NAMES.map((name) => `${name}: mean, p99 (ms), batch, GPU`),
    "Best window",
    "Adaptive against it",
  ];
  const lines = rows
    .map((row) => ({ ...row, name: label(row) }))
    .map(({ name, workload, perSecond, figures, bestFixed, verdict }) => [
      name,
      perSecond.toFixed(0),
      ...POLICY_NAMES.map((name) => cellOf(figures[name], workload.by)),
      bestFixed,
      verdictCell(verdict, workload.by),
    ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function nameOf({ name, load }: Workload): string {
  return load === undefined ? name : `${name}, load ${load}`;
}

function cellOf({ meanMs, p99Ms, meanBatch, gpuShare, goodput }: Figures, by: "mean" | "goodput"): string {
  const inTime = by === "goodput" ? `, ${percent(goodput)} in time` : "";
  return `${meanMs.toFixed(2)}, ${p99Ms.toFixed(1)}, ${meanBatch.toFixed(1)}, ${(100 * gpuShare).toFixed(0)} %${inTime}`;
}

function verdictCell({ kind, excess, doubt }: Verdict, by: "mean" | "goodput"): string {
  // More in time is better, and less time is.
  const change = by === "mean" ? excess : -excess;
  return `${kind}: ${change > 0 ? "+" : ""}${percent(change)} ± ${percent(doubt)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function groupsOf(rows: readonly ReportRow[]): { readonly title: string; readonly rows: ReportRow[] }[] {
  const groups = new Map<string, ReportRow[]>();
  for (const row of rows) groups.set(row.workload.title, [...(groups.get(row.workload.title) ?? []), row]);
  return [...groups].map(([title, group]) => ({ title, rows: group }));
}

/** The largest value of the adaptive rule: others may leave the chart. */
function topOf(rows: readonly ReportRow[], figure: keyof Figures): number {
  return Math.max(...rows.map(({ figures }) => figures.adaptive[figure]));
}

function niceTop(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * ([1, 2, 4, 5, 8, 10].find((factor) => factor * unit >= value) ?? 10);
}
