import { describe, expect, test } from "vitest";
import { parseTrace } from "../../src/simulator/arrivals.js";
import { createRandomSource } from "../../src/simulator/random-source.js";
import { plotRows, tabulateRows } from "../../src/simulator/report.js";
import { simulateRow } from "../../src/simulator/report-rows.js";
import { compareOutcomes } from "../../src/simulator/verdict.js";
import { listWorkloads, makeTrace } from "../../src/simulator/workloads.js";

const WORKLOADS = listWorkloads(300, makeTrace(300, 1_200, createRandomSource(1)));

test("the report has every kind of workload", () => {
  const names = WORKLOADS.map(({ title, name, load }) => `${title} | ${name} ${load ?? ""}`).join("\n");
  for (const part of [
    "A100 | Poisson 0.05",
    "A40 | Poisson 1.2",
    "T4, 2 servers",
    "40 + 6 b ms",
    "bursts",
    "on and off",
    "a ramp",
  ]) {
    expect(names).toContain(part);
  }
  for (const part of [
    "a trace",
    "noise 0.3",
    "8 servers",
    "believed 0.75",
    "believed 1.25",
    "Zipf 1.2",
    "canceled",
    "deadlines",
  ]) {
    expect(names).toContain(part);
  }
  expect(WORKLOADS.length).toBeGreaterThan(100);
});

test("a row says how adaptive compares with the best window, and its figures are in the table and the charts", () => {
  const rows = WORKLOADS.filter(({ title, load = 1 }) => title === "A100" && load < 0.25).map((workload) =>
    simulateRow(workload, [1, 2]),
  );
  const table = tabulateRows(rows);
  for (const { figures, bestFixed, verdict } of rows) {
    expect(table).toContain(`${figures.adaptive.meanMs.toFixed(2)}, ${figures.adaptive.p99Ms.toFixed(1)}`);
    expect(table).toContain(`| ${bestFixed} | ${verdict.kind}: `);
    expect(figures["best fixed"].meanMs).toBeLessThanOrEqual(
      verdict.kind === "better" ? Infinity : figures["fixed 64/50"].meanMs,
    );
  }
  expect(plotRows(rows).match(/<polyline/g)).toHaveLength(4 * 4);
});

describe("a verdict", () => {
  const outcomes = (...meansMs: number[]) => meansMs.map((meanMs) => ({ meanMs, goodput: 1 }));

  test.each([
    ["better", [9, 9.1, 9], [10, 10, 10]],
    ["equal", [10.05, 10.05, 10.05], [10, 10, 10]],
    ["worse", [10.3, 10.3, 10.31], [10, 10, 10]],
    // 3 in 100 on average, but the seeds do not agree.
    ["equal", [10, 10, 10.8], [10, 10, 10]],
    // Their doubt is no excuse for as much as this.
    ["worse", [10, 10, 20], [10, 10, 10]],
  ])("is %s for %j against %j", (kind, own, other) => {
    expect(compareOutcomes(outcomes(...own), outcomes(...other), "mean").kind).toBe(kind);
  });

  test("takes what is done in time where tasks have deadlines, whatever the means are", () => {
    const own = [{ meanMs: 20, goodput: 0.9 }];
    expect(compareOutcomes(own, [{ meanMs: 10, goodput: 0.8 }], "goodput")).toMatchObject({ kind: "better" });
    expect(compareOutcomes(own, [{ meanMs: 40, goodput: 0.95 }], "goodput")).toMatchObject({ kind: "worse" });
  });
});

test("a trace is read line by line, and one that falls is refused", () => {
  expect(parseTrace("0\n1.5\n\n1.5\n20\n")).toEqual([0, 1.5, 1.5, 20]);
  expect(() => parseTrace("0\n5\n4\n")).toThrow(/line 3 is 4/);
  expect(() => parseTrace("0\nsoon\n")).toThrow(/line 2 is soon/);
});
