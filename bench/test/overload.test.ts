import { describe, expect, it } from "vitest";
import type { HttpReply } from "../src/load/http-connections.js";
import { createRandom } from "../src/load/random.js";
import { codeOf, type Outcome, outcomeOf } from "../src/overload/attempt-outcome.js";
import type { OverloadClientReport } from "../src/overload/overload-client.js";
import { figuresOf, type OverloadEvidence, type OverloadTerms } from "../src/overload/overload-figures.js";
import { type OverloadPhase, partOf, scheduleOf, spanOf } from "../src/overload/overload-phases.js";
import { overloadTargets } from "../src/overload/overload-targets.js";
import { type OverloadTask, toColumns } from "../src/overload/overload-tasks.js";
import { overloadTables } from "../src/report/overload-tables.js";
import { problemsOf } from "../src/report/problems.js";
import { isMet } from "../src/report/targets.js";

const PHASES: readonly OverloadPhase[] = [
  { name: "warm-up", ratePerS: 100, durationMs: 5_000 },
  { name: "warm-up", ratePerS: 90, durationMs: 5_000 },
  { name: "before", ratePerS: 90, durationMs: 10_000 },
  { name: "overload", ratePerS: 300, durationMs: 40_000 },
  { name: "after", ratePerS: 90, durationMs: 20_000 },
];
const TERMS: OverloadTerms = {
  capacityPerS: 100,
  deadlineMs: 1_000,
  phases: PHASES,
  settleMs: 5_000,
  recoverMs: 10_000,
  memoryMs: 10_000,
  windowMs: 10_000,
};

describe("phases", () => {
  it("follow each other, each at its own rate", () => {
    expect(spanOf(PHASES, "warm-up")).toEqual({ fromMs: 0, toMs: 10_000 });
    expect(spanOf(PHASES, "overload")).toEqual({ fromMs: 20_000, toMs: 60_000 });
    expect(partOf({ fromMs: 10, toMs: 20 }, 5)).toEqual({ fromMs: 15, toMs: 20 });
    expect(partOf({ fromMs: 10, toMs: 20 }, 2, 3)).toEqual({ fromMs: 12, toMs: 15 });
    expect(() => spanOf([], "after")).toThrow(RangeError);
    const arrivals = scheduleOf(PHASES, createRandom(1));
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
    const inOverload = arrivals.filter((atMs) => atMs >= 20_000 && atMs < 60_000).length;
    expect(inOverload).toBeGreaterThan(11_500);
    expect(inOverload).toBeLessThan(12_500);
  });
});

describe("the outcome of an attempt", () => {
  const input = { path: "", headers: {}, body: Buffer.alloc(0), isRight: (output: unknown) => output === "right" };
  const outcome = (status: number, body: object, retryAfter?: string, tookMs = 500): Outcome => {
    const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
    const reply: HttpReply = { status, headers, body: Buffer.from(JSON.stringify(body)) };
    return outcomeOf(reply, { input, deadlineMs: 1_000, tookMs, check: true });
  };

  it("is in time until the deadline, late after it, and wrong whenever the answer is", () => {
    expect(outcome(200, { status: "SUCCESS", output: "right" })).toBe("in-time");
    expect(outcome(200, { status: "SUCCESS", output: "right" }, undefined, 1_001)).toBe("late");
    expect(outcome(202, { status: "PENDING" })).toBe("late");
    expect(outcome(200, { status: "SUCCESS", output: "left" })).toBe("wrong");
    expect(outcome(200, { status: "EXPIRED" })).toBe("expired");
    expect(outcome(200, { status: "FAILED" })).toBe("failed");
  });

  it("is a refusal as it must be only with 503, a code that says why, and a second or more to wait", () => {
    expect(outcome(503, { code: "deadline-unattainable" }, "1")).toBe("refused");
    expect(outcome(503, { code: "queue-full" }, "12")).toBe("refused");
    expect(outcome(503, { code: "deadline-unattainable" }, "0")).toBe("misrefused");
    expect(outcome(503, { code: "deadline-unattainable" })).toBe("misrefused");
    expect(outcome(503, { code: "storage-unavailable" }, "1")).toBe("misrefused");
    expect(outcome(429, { code: "queue-full" }, "1")).toBe("misrefused");
    expect(codeOf({ status: 500, headers: {}, body: Buffer.from("oops") })).toBe("none");
  });
});

/** A task every 10 ms from second 10 on, all in time but every third of the overload's, which is refused. */
function goodTasks(): OverloadTask[] {
  return Array.from({ length: 7_000 }, (_, index) => {
    const dueMs = 10_000 + 10 * index;
    const isRefused = dueMs >= 20_000 && dueMs < 60_000 && index % 3 === 0;
    const tookMs = isRefused ? 5 : dueMs >= 20_000 && dueMs < 61_000 ? 900 : 100 + (index % 10);
    return { dueMs, sentMs: dueMs, endMs: dueMs + tookMs, outcome: isRefused ? "refused" : "in-time" };
  });
}

/** Capacity is 66.7/s of these, and memory is flat. */
function evidence(change: {
  readonly tasks?: (task: OverloadTask) => OverloadTask;
  readonly probes?: (task: OverloadTask, index: number) => OverloadTask;
  readonly lateMb?: number;
}): OverloadEvidence {
  const report = (tasks: readonly OverloadTask[]): OverloadClientReport => ({
    tasks: toColumns(tasks),
    codes: { "deadline-unattainable": tasks.filter((task) => task.outcome === "refused").length },
    examples: { wrong: "not this", failed: "none" },
    lateP99Ms: 1,
  });
  const probes = Array.from({ length: 400 }, (_, index): OverloadTask => {
    const dueMs = 20_000 + 100 * index;
    return { dueMs: dueMs - 7, sentMs: dueMs - 7, endMs: dueMs - 7 + 4, outcome: "refused" };
  });
  return {
    load: report(goodTasks().map((task) => change.tasks?.(task) ?? task)),
    probe: report(probes.map((task, index) => change.probes?.(task, index) ?? task)),
    probeShiftMs: 7,
    samples: Array.from({ length: 80 }, (_, second) => ({
      atMs: second * 1_000,
      openRuns: 10,
      executed: { batches: 2 * second, rows: 100 * second },
      memoryMb: { redis: second < 50 ? 100 : (change.lateMb ?? 104), api: 200 },
    })),
    cpu: { cores: { api: 0.5 }, othersShare: 0.1 },
  };
}

const terms = { ...TERMS, capacityPerS: 200 / 3 };
const verdicts = (change: Parameters<typeof evidence>[0]) => {
  const targets = overloadTargets(figuresOf(terms, evidence(change)));
  return targets.map(isMet);
};
const isOverload = ({ dueMs }: OverloadTask): boolean => dueMs >= 20_000 && dueMs < 60_000;

describe("the verdicts on an overload", () => {
  it("are about goodput, deadlines, refusals, memory and recovery, and can all be met", () => {
    const figures = figuresOf(terms, evidence({}));
    const targets = overloadTargets(figures);
    expect(targets.map(isMet)).toEqual(Array(8).fill(true));
    const values = targets.map(({ value }) => value ?? Number.NaN);
    expect(values[0]).toBeCloseTo(100, 0);
    expect(values.slice(1).map((value) => Number(value.toFixed(2)))).toEqual([100, 4, 0, 1.04, 1, 1, 1]);
    expect(figures).toMatchObject({ accepted: 4_667, inTime: 4_667, refusals: 1_733, misrefusals: 0, problems: [] });
  });

  it.each([
    ["goodput", 0, { tasks: (task: OverloadTask) => refuseSome(task, 12) }],
    ["deadlines", 1, { tasks: expireSome }],
    ["slow refusals", 2, { probes: (task: OverloadTask) => ({ ...task, endMs: task.sentMs + 21 }) }],
    ["bare refusals", 3, { probes: misrefuseOne }],
    ["memory", 4, { lateMb: 111 }],
  ] as const)("fail for %s alone", (_what, place, change) => {
    const expected = Array<boolean>(8).fill(true);
    expected[place] = false;
    expect(verdicts(change)).toEqual(expected);
  });

  it("fail for latency that is not normal again", () => {
    const slowAfter = (share: number) => ({
      tasks: (task: OverloadTask): OverloadTask =>
        task.dueMs >= 70_000 && (task.dueMs / 10) % 100 < share ? { ...task, endMs: task.endMs + 100 } : task,
    });
    expect(verdicts(slowAfter(100)).slice(-2)).toEqual([false, false]);
    expect(verdicts(slowAfter(2)).slice(-2)).toEqual([true, false]);
  });

  it("are open where nothing was seen, and without memory if the run was too short for it", () => {
    const short = withoutMemory(terms);
    const calm = evidence({
      tasks: (task) => (isOverload(task) ? { ...task, outcome: "in-time" } : task),
      probes: (task) => ({ ...task, outcome: "in-time" }),
    });
    expect(overloadTargets(figuresOf(short, calm)).map(isMet)).toEqual([true, true, undefined, undefined, true, true]);
  });
});

describe("the report of an overload", () => {
  it("has a row for each window, and says what went wrong", () => {
    const wrongAt = (task: OverloadTask): OverloadTask =>
      task.dueMs === 10_000 ? { ...task, outcome: "wrong" } : task;
    const figures = figuresOf(terms, evidence({ tasks: wrongAt }));
    expect(figures.timeline.map(({ fromS, toS, phase }) => `${fromS} ${toS} ${phase}`)).toEqual([
      "-10 0 before",
      ...["0 10", "10 20", "20 30", "30 40"].map((span) => `${span} overload`),
      ...["40 50", "50 60"].map((span) => `${span} after`),
    ]);
    expect(figures.timeline.map(({ meanBatch }) => meanBatch)).toEqual(Array(7).fill(50));
    const tables = overloadTables(figures);
    expect(tables).toHaveLength(3);
    for (const { columns, rows } of tables) for (const row of rows) expect(row).toHaveLength(columns.length);
    const machine = { startedAt: "", cpus: 2, cpuModel: "", memoryGb: 23, kernel: "", node: "" };
    expect(problemsOf({ machine, quick: true, overload: figures })).toEqual([
      "overload: 1 wrong answers, such as not this",
    ]);
  });
});

function withoutMemory({
  capacityPerS,
  deadlineMs,
  phases,
  settleMs,
  recoverMs,
  windowMs,
}: OverloadTerms): OverloadTerms {
  return { capacityPerS, deadlineMs, phases, settleMs, recoverMs, windowMs };
}

function refuseSome(task: OverloadTask, every: number): OverloadTask {
  return isOverload(task) && (task.dueMs / 10) % every === 2 ? { ...task, outcome: "refused" } : task;
}

/** Two in a hundred, while goodput stays above its mark. */
function expireSome(task: OverloadTask): OverloadTask {
  const isOne = isOverload(task) && task.outcome === "in-time" && (task.dueMs / 10) % 50 === 1;
  return isOne ? { ...task, outcome: "expired" } : task;
}

function misrefuseOne(task: OverloadTask, index: number): OverloadTask {
  return index === 0 ? { ...task, outcome: "misrefused" } : task;
}
