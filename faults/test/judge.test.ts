import { createTaskId } from "@sluice/broker";
import { describe, expect, test } from "vitest";

import type { RedisContents } from "../src/check/inspect-redis.js";
import { judgeContents } from "../src/check/judge-contents.js";
import { boundOf, judgeExecutions } from "../src/check/judge-executions.js";
import { judgeExits, judgeUsage } from "../src/check/judge-processes.js";
import { judgeTasks } from "../src/check/judge-tasks.js";
import { measureRecovery, percentile } from "../src/check/measure-recovery.js";
import { type LedgerEntry, openEntry, type TerminalView } from "../src/client/ledger.js";
import type { InjectedFault } from "../src/nemesis/nemesis.js";
import { answerOf } from "../src/oracle/answer-of.js";

const success: TerminalView = { state: "SUCCESS", answer: answerOf("text", "1"), errorCode: undefined };
const failed: TerminalView = { state: "FAILED", answer: undefined, errorCode: "input-rejected" };

/** A task that was accepted at 1,000 and ended well at 1,100, except for what is said. */
function entry(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  const plan = { index: 1, text: "text", purpose: "ordinary" as const, deadlineMs: 500, idempotencyKey: undefined };
  const accepted = { outcome: "ok" as const, taskId: createTaskId(3, 0), acceptedMs: 1_000 };
  return { ...openEntry(plan, 1_000), ...accepted, first: success, endedMs: 1_100, last: success, ...changes };
}

const faultOf = (fault: InjectedFault["fault"], changes: Partial<InjectedFault> = {}): InjectedFault => ({
  name: fault.kind,
  fault,
  alone: true,
  atMs: 1_050,
  target: "redis-1",
  skipped: undefined,
  healedMs: undefined,
  shards: [3],
  ...changes,
});

const CALM = { workerDeathsMs: [], earlyMs: 0 };

describe("a task is judged", () => {
  const none = { first: undefined, last: undefined, endedMs: undefined };
  test.each<[string, Partial<LedgerEntry>, string[]]>([
    ["well if it keeps its own answer", {}, []],
    ["well if it was refused", { outcome: "refused", refusal: "503 queue-full", ...none }, []],
    [
      "unexpected if it was refused with a bug",
      { outcome: "refused", refusal: "500 internal", ...none },
      ["unexpected"],
    ],
    [
      "unexpected if a good input was refused",
      { outcome: "refused", refusal: "410 result-expired", ...none },
      ["unexpected"],
    ],
    ["unexpected if a read of it was answered with a bug", { oddAnswer: "read: 500 internal" }, ["unexpected"]],
    ["stuck if it never ends", none, ["stuck"]],
    ["lost if nobody knows it", { ...none, missing: 1 }, ["lost"]],
    ["changed if its end is gone", { last: undefined }, ["changed"]],
    [
      "changed if its answer is that of another execution",
      { last: { ...success, answer: answerOf("text", "2") } },
      ["changed"],
    ],
    ["changed if its end is another", { last: { ...success, state: "EXPIRED", answer: undefined } }, ["changed"]],
    ["changed if it ends although its cancel was confirmed", { cancelAskedMs: 1, cancelConfirmed: true }, ["changed"]],
    [
      "crossed if its answer is another's",
      { first: { ...success, answer: answerOf("other", "1") }, last: { ...success, answer: answerOf("other", "1") } },
      ["crossed"],
    ],
    ["unexpected if it fails on a good input", { first: failed, last: failed }, ["unexpected"]],
    ["well if it fails on poison", { purpose: "poison", first: failed, last: failed }, []],
    ["unexpected if poison succeeds", { purpose: "poison" }, ["unexpected"]],
    [
      "unexpected if it expires early",
      { first: { ...success, state: "EXPIRED" }, last: { ...success, state: "EXPIRED" } },
      ["unexpected"],
    ],
    [
      "well if it expires in time",
      { endedMs: 1_500, first: { ...success, state: "EXPIRED" }, last: { ...success, state: "EXPIRED" } },
      [],
    ],
    [
      "unexpected if nobody canceled it",
      { first: { ...success, state: "CANCELED" }, last: { ...success, state: "CANCELED" } },
      ["unexpected"],
    ],
    ["unexpected if its key has two tasks", { secondTaskId: "x" }, ["unexpected"]],
  ])("%s", (_name, changes, invariants) => {
    const found = judgeTasks([entry(changes), ...Array.from({ length: 2 }, () => entry())], CALM);
    expect(found.map(({ invariant }) => invariant)).toEqual(invariants);
  });

  test("well if it failed because workers died, as often as it takes, while it was there", () => {
    const died: TerminalView = { state: "FAILED", answer: undefined, errorCode: "worker-died" };
    const task = entry({ first: died, last: died });
    const judged = (deathsMs: readonly number[]) =>
      judgeTasks([task, entry(), entry()], { ...CALM, workerDeathsMs: deathsMs }).map(({ invariant }) => invariant);
    expect(judged([1_001, 1_002, 1_003, 1_004, 1_005, 1_100])).toEqual([]);
    expect(judged([1_001, 1_002, 1_003, 1_004, 1_005, 1_101])).toEqual(["unexpected"]);
    expect(judged([1, 2, 3, 4, 5, 6, 1_001])).toEqual(["unexpected"]);
  });

  test("well if it expires a little early where batches are adaptive", () => {
    const early = entry({ first: { ...success, state: "EXPIRED" }, last: { ...success, state: "EXPIRED" } });
    expect(judgeTasks([early, entry(), entry()], { ...CALM, earlyMs: 2_000 })).toEqual([]);
  });

  test("with suspicion if next to nothing was accepted", () => {
    const refused = entry({ outcome: "refused", refusal: "503 queue-full" });
    expect(judgeTasks([refused], CALM)).toHaveLength(1);
  });
});

describe("executions are judged", () => {
  const inHand = { workers: 3, rowsPerWorker: 10 };
  const options = { faults: [], inHand, known: ["example"] };
  test("well if each accepted input ran once", () => {
    const runs = [
      { startedMs: 1, texts: ["text", "example"] },
      { startedMs: 2, texts: ["example"] },
    ];
    expect(judgeExecutions(runs, [entry()], options)).toEqual({
      executions: 1,
      unique: 1,
      duplicates: [],
      bound: 0,
      violations: [],
    });
  });
  test("too many if more than 5 in 1,000 of a large campaign ran again, whatever the faults explain", () => {
    const kills = Array.from({ length: 100 }, () =>
      faultOf({ kind: "kill-role", role: "gpu-worker", pick: 0, downMs: 1 }, { atMs: 1, healedMs: 1 }),
    );
    const count = 20_000;
    const all = Array.from({ length: count }, (_, index) => entry({ text: `text ${index}` }));
    const verdictWith = (again: number) => {
      const texts = all.map(({ text }) => text);
      const runs = [
        { startedMs: 1, texts },
        { startedMs: 2, texts: texts.slice(0, again) },
      ];
      return judgeExecutions(runs, all, { ...options, faults: kills }).violations.map(({ detail }) => detail);
    };
    expect(verdictWith(100)).toEqual([]);
    expect(verdictWith(101)).toEqual(["101 of 20101 executions were repeats"]);
  });
  test("unexpected if a refused input ran, unless an attempt broke off", () => {
    const runs = [{ startedMs: 1, texts: ["text"] }];
    const refused = entry({ outcome: "refused" });
    expect(judgeExecutions(runs, [refused], options).violations).toHaveLength(1);
    expect(judgeExecutions(runs, [{ ...refused, mayHaveRun: true }], options).violations).toEqual([]);
  });
  test("well if a twin runs on its own after the task before it was canceled", () => {
    const runs = [
      { startedMs: 1, texts: ["text"] },
      { startedMs: 2, texts: ["text"] },
    ];
    expect(judgeExecutions(runs, [entry({ purpose: "cancel" }), entry()], options).violations).toEqual([]);
  });
  test("too many if an input ran again and no fault explains it", () => {
    const runs = [
      { startedMs: 1, texts: ["text"] },
      { startedMs: 2, texts: ["text"] },
    ];
    const without = judgeExecutions(runs, [entry()], options);
    expect(without.violations.map(({ invariant }) => invariant)).toEqual(["duplicates", "duplicates"]);
    expect(without.duplicates).toEqual([{ text: "text", startedMs: [1, 2] }]);
    const kill = faultOf({ kind: "kill-role", role: "gpu-worker", pick: 0, downMs: 1 }, { atMs: 1, healedMs: 1 });
    expect(judgeExecutions(runs, [entry()], { ...options, faults: [kill] }).violations).toEqual([]);
    const later = [runs[0] ?? { startedMs: 1, texts: [] }, { startedMs: 60_000, texts: ["text"] }];
    expect(judgeExecutions(later, [entry()], { ...options, faults: [kill] }).violations).toHaveLength(1);
  });
  test("by what a fault cuts off: nothing for an api, one worker's rows for its links, all for Redis", () => {
    const bound = (fault: InjectedFault["fault"], target?: string) => boundOf(faultOf(fault, { target }), inHand);
    const cut = { kind: "link", pick: 0, fault: { kind: "reset" }, forMs: 1 } as const;
    expect(bound({ kind: "kill-role", role: "api", pick: 0, downMs: 1 })).toBe(0);
    expect(bound({ ...cut, group: "oracle" })).toBe(10);
    expect(bound({ ...cut, group: "redis" }, "gpu-worker-1>redis")).toBe(10);
    expect(bound({ ...cut, group: "redis" }, "batcher-1>redis")).toBe(0);
    expect(bound({ ...cut, group: "redis" }, "redis-1")).toBe(30);
    expect(boundOf(faultOf({ kind: "kill-oracle", downMs: 1 }, { skipped: "busy" }), inHand)).toBe(0);
  });
});

describe("recovery", () => {
  test("is how long the last task took that was open or was slow afterwards, and the longest time without an acceptance on the master's shards", () => {
    const fault = faultOf({ kind: "kill-master", pick: 0, downMs: 1 });
    const other = createTaskId(4, 0);
    const entries = [
      entry({ acceptedMs: 1_000, endedMs: 3_000 }),
      entry({ acceptedMs: 900, endedMs: 1_040 }),
      entry({ acceptedMs: 1_500, endedMs: 9_000, taskId: other }),
      entry({ submittedMs: 3_950, acceptedMs: 4_000, endedMs: 4_900 }),
      // Accepted before the kill, as far as anybody knows, and told when the wait for its result was over.
      entry({ submittedMs: 1_010, acceptedMs: 2_000, endedMs: 2_000 }),
    ];
    expect(measureRecovery([fault], entries)).toEqual([
      { name: "kill-master", atMs: 1_050, affectedTasks: 2, recoveryMs: 7_950, writeGapMs: 3_000 },
    ]);
    expect(measureRecovery([{ ...fault, alone: false }], entries)).toEqual([]);
    // A task that has not ended, and shards that take nothing any more although somebody tries.
    const none = { first: undefined, last: undefined, endedMs: undefined };
    const tried = entry({ ...none, outcome: "unknown", submittedMs: 15_000, acceptedMs: undefined });
    const open = entry({ ...none, acceptedMs: 1_000 });
    expect(measureRecovery([fault], [open, tried])).toMatchObject([{ recoveryMs: Infinity, writeGapMs: 14_000 }]);
  });
  test("percentiles are values that were measured", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(percentile([], 0.5)).toBeUndefined();
  });
});

describe("what is left in Redis is judged", () => {
  const empty = { busyStreams: [], deadLetters: 0, immortal: [], immortalCount: 0, mostConsumers: 6 };
  const clean = { ...empty, keys: 300, usedMemoryBytes: 20e6 };
  const cause = { judged: [entry()], excused: [], starts: 3 };
  test.each<[string, Partial<RedisContents>, string[]]>([
    ["well if there is no work and every key ends", {}, []],
    ["residue if work is left", { busyStreams: ["sluice:{q:3}:ready:x: 1 entries, 0 pending"] }, ["residue"]],
    ["residue if a key lives for ever", { immortal: ["x"], immortalCount: 1 }, ["residue"]],
    ["residue if a dead letter belongs to no task", { deadLetters: 1 }, ["residue"]],
    ["a leak if keys are too many for the tasks", { keys: 10_000 }, ["leak"]],
    ["a leak if they are too large", { usedMemoryBytes: 1e9 }, ["leak"]],
    ["a leak if consumers are too many for the deaths", { mostConsumers: 60 }, ["leak"]],
  ])("%s", (_name, changes, invariants) => {
    const found = judgeContents({ ...clean, ...changes }, cause);
    expect(found.map(({ invariant }) => invariant)).toEqual(invariants);
  });
});

describe("a process is judged", () => {
  const usage = (descriptors: number, residentMb: number) => ({
    name: "api-1",
    before: { descriptors: 20, residentMb: 100 },
    after: { descriptors, residentMb },
  });

  test("by what it holds more than before", () => {
    expect(judgeUsage([usage(40, 200)])).toEqual([]);
    expect(judgeUsage([usage(41, 100), usage(20, 201)]).map(({ invariant }) => invariant)).toEqual(["leak", "leak"]);
  });

  test("by whether it ended by itself", () => {
    const exit = { name: "api-1", code: 1, signal: null, wasReady: true };
    expect(judgeExits([exit, { ...exit, wasReady: false }])).toEqual([
      { invariant: "crash", detail: "api-1 ended with 1" },
    ]);
  });
});
