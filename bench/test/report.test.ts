import { describe, expect, it } from "vitest";
import type { BenchResult, LoadRun } from "../src/bench-result.js";
import { parseBenchOptions } from "../src/options.js";
import { formatNumber, formatRatio, formatShare } from "../src/report/format-number.js";
import { problemsOf } from "../src/report/problems.js";
import { resultTables } from "../src/report/result-tables.js";
import { formatTable } from "../src/report/table.js";
import { isMet, targetsOf } from "../src/report/targets.js";

const machine = { startedAt: "", cpus: 2, cpuModel: "", memoryGb: 23, kernel: "", node: "" };

function loadRun(figures: Partial<LoadRun["figures"]>, clients = 256): LoadRun {
  const none = { submitted: 0, checked: 0, answered: 0, problems: [], lateP99Ms: 0 };
  const times = { perS: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 };
  const all = { ...none, ...times, cpuUs: {}, othersShare: 0, ...figures };
  return { exchange: "submit-and-wait", pace: { kind: "closed", clients }, figures: all };
}

function textFigures(mode: "fixed" | "adaptive", loads: readonly LoadRun[]): NonNullable<BenchResult["text"]> {
  return { mode, loads, single: { answered: 300, perS: 20, meanMs: 6.6, p50Ms: 6.5, p90Ms: 7, p99Ms: 8, maxMs: 9 } };
}

const result: BenchResult = {
  machine,
  quick: false,
  http: { flatOut: [loadRun({ cpuUs: { hono: 50 } })], paced: [loadRun({ cpuUs: { hono: 100 } })] },
  triton: [1, 2].map((inFlight) => ({ inFlight, perS: 1_400 * inFlight, p50Ms: 45, p99Ms: 50, cpuUs: {}, wrong: 0 })),
  text: textFigures("fixed", [
    loadRun({ perS: 9_999, p99Ms: 1 }, 64),
    loadRun({ perS: 2_520, p99Ms: 180, cpuUs: { api: 150, batcher: 30, "gpu-worker": 60 } }),
  ]),
};

const durability: NonNullable<BenchResult["durability"]> = {
  ...{ server: "valkey 8.0.1", forcedWriteMs: 3.8, confirmedEarly: ["fsync, WAITAOF"], othersShare: 0.05, runs: [] },
  prices: [
    {
      ...{ level: "memory", inFlight: 1, unconfirmed: 0 },
      figures: { perS: 2_000, p50Ms: 0.5, p99Ms: 1 },
      ofMemory: { perS: 1, p50Ms: 1, p99Ms: 1 },
    },
    {
      ...{ level: "fsync, WAITAOF", inFlight: 1, unconfirmed: 3 },
      figures: { perS: 1_000, p50Ms: 1, p99Ms: 2 },
      ofMemory: { perS: 0.5, p50Ms: 2, p99Ms: 2 },
    },
    { level: "replicated", inFlight: 1, unconfirmed: 0, figures: undefined, ofMemory: undefined },
  ],
};

describe("targetsOf", () => {
  it("sets the run at full load against the floors of the same result", () => {
    const targets = targetsOf(result);
    expect(targets.map(({ value }) => value)).toEqual([0.9, 180, 1.5, 3, 90]);
    expect(targets.map(isMet)).toEqual([true, true, true, undefined, false]);
  });

  it("leaves open what was not measured", () => {
    const targets = targetsOf({ machine, quick: true, text: textFigures("fixed", [loadRun({ p99Ms: 300 })]) });
    expect(targets.map(isMet)).toEqual([undefined, false, undefined, undefined, undefined]);
  });
});

describe("targetsOf adaptive batches", () => {
  const openLoad = (ratePerS: number, figures: Partial<LoadRun["figures"]>): LoadRun => ({
    ...loadRun(figures),
    pace: { kind: "open", ratePerS },
  });
  const textOf = (perS: number, seldomP50Ms: number, busyP99Ms: number) =>
    textFigures("adaptive", [
      loadRun({ perS, p99Ms: 100 }),
      openLoad(20, { p50Ms: seldomP50Ms, p99Ms: 1_000 }),
      openLoad(2_000, { p50Ms: 1_000, p99Ms: busyP99Ms }),
    ]);
  const verdicts = (text: BenchResult["text"]) => {
    const targets = targetsOf({ ...result, ...(text ? { text } : {}) });
    return [targets[0], ...targets.slice(-2)].map((target) => target && isMet(target));
  };

  it("asks for more: full batches, next to no wait for a single text, and a short one for many", () => {
    expect(verdicts(textOf(2_660, 10.5, 60))).toEqual([true, true, true]);
    expect(verdicts(textOf(2_659, 10.6, 61))).toEqual([false, false, false]);
  });

  it("leaves open what was not measured", () => {
    expect(verdicts(textFigures("adaptive", []))).toEqual([undefined, undefined, undefined]);
  });
});

describe("problemsOf", () => {
  it("is empty when all went well and names every load that had problems", () => {
    expect(problemsOf(result)).toEqual([]);
    const wrong = { kind: "wrong", detail: "{}", count: 2 } as const;
    const floor = { inFlight: 2, perS: 1, p50Ms: 1, p99Ms: 1, cpuUs: {}, wrong: 1 };
    const problems = problemsOf({
      ...result,
      triton: [floor],
      text: textFigures("fixed", [loadRun({ problems: [wrong] })]),
    });
    expect(problems).toEqual([
      "Triton, 2 in flight: 1 batches with a wrong answer",
      "texts, 256 clients, submit and wait: 2 wrong answers, such as {}",
    ]);
  });
});

describe("tables", () => {
  it("align the first column to the left and figures to the right", () => {
    const lines = formatTable({ title: "T", columns: ["load", "per s"], rows: [["64 clients", "7"]] });
    expect(lines).toEqual(["T", "load        per s", "----------  -----", "64 clients      7"]);
  });

  it("have a cell for each column, whatever was measured", () => {
    const tables = resultTables({ ...result, pictures: { sharp: [], sluice: [loadRun({})] } });
    expect(tables.length).toBe(9);
    for (const { columns, rows } of tables) {
      for (const row of rows) expect(row).toHaveLength(columns.length);
    }
  });

  it("say of each level of durability what it costs, and why a figure is missing or worth nothing", () => {
    const [table] = resultTables({ machine, quick: true, durability });
    expect(table?.title).toBe(
      "Admissions of 512 bytes by durability (valkey 8.0.1, one forced write 3.80 ms, others 5 %)",
    );
    expect(table?.rows).toEqual([
      ["memory", "1", "2,000", "0.50", "1.00", "0", "1.00x", "1.00x", "1.00x"],
      ["fsync, WAITAOF: answered before the disk has it", "1", "1,000", "1.00", "2.00", "3", "0.50x", "2.00x", "2.00x"],
      ["replicated: not known to this server", "1", "-", "-", "-", "-", "-", "-", "-"],
    ]);
    for (const row of table?.rows ?? []) expect(row).toHaveLength(table?.columns.length ?? 0);
  });

  it("write figures with as many digits as they deserve", () => {
    expect([2_413.4, 99.94, 8.126, 0, undefined, Number.NaN].map(formatNumber)).toEqual([
      "2,413",
      "99.9",
      "8.13",
      "0.00",
      "-",
      "-",
    ]);
    expect([0.034, 0, Number.NaN].map(formatShare)).toEqual(["3 %", "0 %", "-"]);
    expect([0.866, undefined].map(formatRatio)).toEqual(["0.87x", "-"]);
  });
});

describe("the table of large tensors", () => {
  const run = { p50Ms: 1, p99Ms: 2, cpuUs: { client: 3 }, wrong: 0 };
  const tensors = {
    grpc: [1, 2].map((inFlight) => ({ ...run, inFlight, perS: 100 })),
    sharedMemory: [1, 2].map((inFlight) => ({ ...run, inFlight, perS: 300 * inFlight, wrong: inFlight - 1 })),
  };

  it("sets shared memory against gRPC with as many in flight, and wrong answers are a problem", () => {
    const [table] = resultTables({ machine, quick: true, tensors });
    expect(table?.columns).toHaveLength(6);
    expect(table?.rows).toEqual([
      ["gRPC, 1 in flight", "100", "1.00", "2.00", "3.00", "1.00x"],
      ["gRPC, 2 in flight", "100", "1.00", "2.00", "3.00", "1.00x"],
      ["shared memory, 1 in flight", "300", "1.00", "2.00", "3.00", "3.00x"],
      ["shared memory, 2 in flight", "600", "1.00", "2.00", "3.00", "6.00x"],
    ]);
    expect(problemsOf({ machine, quick: true, tensors })).toEqual([
      "large tensors through shared memory, 2 in flight: 1 batches with a wrong answer",
    ]);
  });
});

describe("the command line", () => {
  it("names parts, which run in their own order", () => {
    expect(parseBenchOptions(["--quick", "--only", "text", "--only", "http", "--out", "x.json"])).toEqual({
      quick: true,
      parts: ["http", "text"],
      profile: false,
      out: "x.json",
    });
    expect(parseBenchOptions([]).parts).toEqual([
      "generator",
      "http",
      "triton",
      "tensors",
      "durability",
      "text",
      "overload",
      "replay",
      "pictures",
    ]);
  });

  it("chooses how batches are formed", () => {
    expect(parseBenchOptions(["--mode", "adaptive"]).mode).toBe("adaptive");
    expect(parseBenchOptions([])).not.toHaveProperty("mode");
  });

  it("refuses parts, modes and options that do not exist", () => {
    expect(() => parseBenchOptions(["--mode", "eager"])).toThrow(TypeError);
    expect(() => parseBenchOptions(["--only", "redis"])).toThrow(TypeError);
    expect(() => parseBenchOptions(["--fast"])).toThrow(TypeError);
  });
});
