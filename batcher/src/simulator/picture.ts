import { plotRows } from "./report.js";
import { type ReportRow, simulateRow } from "./report-rows.js";
import { listWorkloads } from "./workloads.js";

/** Small enough to be drawn anew by a test. */
const TASKS = 4_000;
const SEEDS = [1];
/** Wider ones are too small to read in a page. */
const CHARTS_PER_ROW = 2;
const TITLES = ["5 + 0.25 b ms", "5 + 0.25 b ms, 4 servers"];

/** The charts that README shows, always the same: the sleep model's line on one server and on four. */
export function drawPicture(): string {
  return plotRows(TITLES.flatMap(pictureRows), CHARTS_PER_ROW);
}

/** What the charts of one title are drawn from. */
export function pictureRows(wanted: string): ReportRow[] {
  return listWorkloads(TASKS, [])
    .filter(({ title, by }) => title === wanted && by === "mean")
    .map((workload) => simulateRow(workload, SEEDS));
}
