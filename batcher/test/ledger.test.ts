import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BrokerError, type Ref, type UnsettledReason } from "@sluice/broker";
import { Ledger, type OutBatch } from "../src/ledger.js";
import { refOf } from "./ref-fixture.js";

const NOW = "m:1:local:now";
const BULK = "m:1:local:bulk";
const TIME = { nowMs: 1_000, marginMs: 500 };
const NO_ANSWER = new BrokerError("storage-unavailable", "no answer");
const EMPTY = { queues: {}, counts: { waiting: 0, out: 0, late: 0 }, outBatches: 0 };

/** Everything that can be seen of a ledger: the queues with their runs in order, the counts, the batches. */
function stateOf(ledger: Ledger) {
  const queues: Record<string, string[]> = {};
  for (const queue of ledger.queues()) {
    const { lane, signature, solo } = queue.kind;
    const name = [lane, signature, solo ? "solo" : ""].filter((part) => part !== "").join(" ");
    queues[name] = queue.list().map((entry) => entry.ref.runId);
  }
  return { queues, counts: ledger.counts(), outBatches: ledger.outBatches("p") };
}

function ledgerWith(...refs: Ref[]): Ledger {
  const ledger = new Ledger();
  ledger.list(refs, 10, 0);
  return ledger;
}

function publishFirst(ledger: Ledger, batchId = "b1", size = 64): OutBatch {
  const [queue] = ledger.queues();
  if (!queue) throw new Error("nothing waits");
  return ledger.publish(queue, size, { batchId, pool: "p", publishedMs: 0, metIdleSlot: true, askAtMs: 2_000 });
}

const finish = (ledger: Ledger, batchId: string, unsettled: Readonly<Record<string, UnsettledReason>> = {}) =>
  ledger.finish(
    { batchId, serviceMs: 1, unsettled: Object.entries(unsettled).map(([runId, why]) => ({ runId, why })) },
    TIME.nowMs,
  );

describe("listing", () => {
  test("puts runs that may share a batch into one queue, and others apart", () => {
    const [a, b, c] = [refOf(), refOf({ signature: "2x2" }), refOf({ lane: BULK })];
    const ledger = ledgerWith(a, b, c);
    expect(stateOf(ledger)).toEqual({
      queues: { [NOW]: [a.runId], [`${NOW} 2x2`]: [b.runId], [BULK]: [c.runId] },
      counts: { waiting: 3, out: 0, late: 0 },
      outBatches: 0,
    });
    expect([ledger.countOf(NOW), ledger.countOf(BULK)]).toEqual([2, 1]);
  });

  test("knows a run only once, however often its entry comes, waiting or out", () => {
    const ref = refOf();
    const ledger = ledgerWith(ref, ref);
    expect(ledger.list([ref], 20, 0)).toBe(0);
    expect(stateOf(ledger).queues).toEqual({ [NOW]: [ref.runId] });
    publishFirst(ledger);
    expect(ledger.list([ref], 20, 0)).toBe(0);
    expect(stateOf(ledger)).toEqual({ queues: {}, counts: { waiting: 0, out: 1, late: 0 }, outBatches: 1 });
  });

  test.each([
    ["bulk", "now"],
    ["now", "bulk"],
  ])("of a run with entries in both lanes (%s first) leaves it in the `now` lane, once", (first) => {
    const bulk = refOf({ lane: BULK, entryId: "5-0", admittedMs: 5, deadlineMs: 100 });
    const now = { ...bulk, lane: NOW, entryId: "9-0", admittedMs: 9, deadlineMs: 200 };
    const ledger = ledgerWith(...(first === "bulk" ? [bulk, now] : [now, bulk]));
    expect(stateOf(ledger).queues).toEqual({ [NOW]: [bulk.runId] });
    expect([...ledger.knownEntryIds(0, BULK)]).toEqual(["5-0"]);
    expect([...ledger.knownEntryIds(0, NOW)]).toEqual(["9-0"]);
    expect([ledger.countOf(NOW), ledger.countOf(BULK)]).toEqual([1, 0]);
    expect(ledger.takeLate(150)).toBe(0);
  });

  test("of a `now` entry for a bulk run that is out brings it back in the `now` lane", () => {
    const bulk = refOf({ lane: BULK });
    const ledger = ledgerWith(bulk);
    const batch = publishFirst(ledger);
    ledger.list([{ ...bulk, lane: NOW, entryId: "9-0" }], 20, 0);
    ledger.takeBack(batch);
    expect(stateOf(ledger).queues).toEqual({ [NOW]: [bulk.runId] });
  });
});

describe("a batch with empty places", () => {
  test("takes along as much of another queue as fits, and each run goes back to its own lane", () => {
    const now = refOf();
    const bulk = [refOf({ lane: BULK, cost: 2 }), refOf({ lane: BULK, cost: 2 }), refOf({ lane: BULK })];
    const ledger = ledgerWith(now, ...bulk);
    const [queue, others] = ledger.queues();
    if (!queue || !others) throw new Error("nothing waits");
    const publication = { batchId: "b1", pool: "p", publishedMs: 0, metIdleSlot: true, askAtMs: 2_000 };
    const batch = ledger.publish(queue, 64, publication, { queue: others, size: 4 });
    expect(batch.entries.map(({ ref }) => ref.runId)).toEqual([now.runId, bulk[0]?.runId]);
    expect(stateOf(ledger).queues).toEqual({ [BULK]: [bulk[1]?.runId, bulk[2]?.runId] });
    ledger.takeBack(batch);
    expect(stateOf(ledger)).toEqual({
      queues: { [NOW]: [now.runId], [BULK]: bulk.map(({ runId }) => runId) },
      counts: { waiting: 4, out: 0, late: 0 },
      outBatches: 0,
    });
  });
});

describe("what cannot be done in time", () => {
  test("is late before its deadline, by the margin of its queue, which goes with the question", () => {
    const [now, bulk] = [refOf({ deadlineMs: 1_000 }), refOf({ lane: BULK, deadlineMs: 1_000 })];
    const ledger = ledgerWith(now, bulk);
    const marginMsOf = ({ kind }: { kind: { lane: string } }) => (kind.lane === NOW ? 40 : 0);
    expect(ledger.takeLate(960, marginMsOf)).toBe(0);
    expect(ledger.takeLate(961, marginMsOf)).toBe(1);
    expect(ledger.dueQuestions(0).late).toMatchObject([{ ref: now, marginMs: 40 }]);
    expect(stateOf(ledger).queues).toEqual({ [BULK]: [bulk.runId] });
  });
});

describe("waiting", () => {
  test.each([
    ["since its admission, if it lay unread for a moment", 5_008, 992],
    ["for twenty milliseconds at most before it was read", 9_000, 980],
    ["since it was read, if the clocks disagree", 4_000, 1_000],
  ])("counts %s", (_name, serverNowMs, arrivedMs) => {
    const ledger = new Ledger();
    ledger.list([refOf({ admittedMs: 5_000 })], 1_000, serverNowMs);
    expect(ledger.queues()[0]?.oldestArrivedMs).toBe(arrivedMs);
  });
});

describe("the end of a batch", () => {
  test("closes what is not named, and sends the rest where it belongs", () => {
    const [closed, returned, apart, unknown] = [refOf(), refOf(), refOf(), refOf()];
    const ledger = ledgerWith(closed, returned, apart, unknown);
    publishFirst(ledger);
    const named = { [returned.runId]: "returned", [apart.runId]: "apart", [unknown.runId]: "unknown" } as const;
    expect(finish(ledger, "b1", named)).toMatchObject({ batchId: "b1", pool: "p", lane: NOW });
    expect(stateOf(ledger)).toEqual({
      queues: { [NOW]: [returned.runId], [`${NOW} solo`]: [apart.runId] },
      counts: { waiting: 2, out: 1, late: 0 },
      outBatches: 0,
    });
    expect(ledger.dueQuestions(TIME.nowMs).out.map((entry) => entry.ref.runId)).toEqual([unknown.runId]);
    expect(finish(ledger, "b1", named)).toBeUndefined();
  });

  test("of another batch than the one it is out with closes a run, but never brings it back", () => {
    const ref = refOf();
    const ledger = ledgerWith(ref, refOf());
    const first = publishFirst(ledger);
    for (const entry of first.entries) ledger.resolveOut(entry, first, { kind: "ready" }, TIME);
    expect(ledger.outBatches("p")).toBe(0);
    publishFirst(ledger, "b2");
    expect(finish(ledger, "b1")).toBeUndefined();
    expect(stateOf(ledger)).toEqual({ queues: {}, counts: { waiting: 0, out: 2, late: 0 }, outBatches: 1 });
    finish(ledger, "b2");
    expect(stateOf(ledger)).toEqual(EMPTY);
  });

  test("that was late is heard for the runs that have moved on: settled ones leave their queue", () => {
    const [moved, still] = [refOf(), refOf()];
    const ledger = ledgerWith(moved, still);
    const batch = publishFirst(ledger);
    const entry = batch.entries.find(({ ref }) => ref === moved);
    if (entry) ledger.resolveOut(entry, batch, { kind: "ready" }, TIME);
    expect(stateOf(ledger).queues).toEqual({ [NOW]: [moved.runId] });
    finish(ledger, "b1");
    expect(stateOf(ledger)).toEqual(EMPTY);
  });

  test("that was late does not bring back a run that has left again with another batch", () => {
    const [moved, still] = [refOf(), refOf()];
    const ledger = ledgerWith(moved, still);
    const first = publishFirst(ledger, "b1");
    const entry = first.entries.find(({ ref }) => ref === moved);
    if (entry) ledger.resolveOut(entry, first, { kind: "ready" }, TIME);
    const second = publishFirst(ledger, "b2");
    finish(ledger, "b1", { [moved.runId]: "returned", [still.runId]: "returned" });
    expect(stateOf(ledger).queues).toEqual({ [NOW]: [still.runId] });
    expect(entry?.batch).toBe(second);
  });

  test("once alone, a run stays alone, also when it is returned", () => {
    const ref = refOf();
    const ledger = ledgerWith(ref);
    publishFirst(ledger, "b1");
    finish(ledger, "b1", { [ref.runId]: "apart" });
    publishFirst(ledger, "b2");
    finish(ledger, "b2", { [ref.runId]: "returned" });
    expect(stateOf(ledger).queues).toEqual({ [`${NOW} solo`]: [ref.runId] });
  });

  test("that failed to be published puts everything back into its old place", () => {
    const refs = [refOf({ admittedMs: 1 }), refOf({ admittedMs: 2 }), refOf({ admittedMs: 3 })];
    const ledger = ledgerWith(...refs);
    const batch = publishFirst(ledger, "b1", 2);
    ledger.takeBack(batch);
    expect(stateOf(ledger)).toEqual({
      queues: { [NOW]: refs.map((ref) => ref.runId) },
      counts: { waiting: 3, out: 0, late: 0 },
      outBatches: 0,
    });
    expect(ledger.queues()[0]?.oldestArrivedMs).toBe(10);
  });
});

describe("look-up", () => {
  test("is due when its time has come, and not before", () => {
    const ledger = ledgerWith(refOf());
    expect(ledger.dueQuestions(1e9)).toEqual({ out: [], late: [] });
    publishFirst(ledger);
    expect(ledger.dueQuestions(1_999).out).toHaveLength(0);
    expect(ledger.dueQuestions(2_000).out).toHaveLength(1);
  });

  test.each([
    ["closed", { kind: "closed" }, EMPTY],
    ["ready", { kind: "ready" }, { ...EMPTY, queues: { [NOW]: ["r"] }, counts: { waiting: 1, out: 0, late: 0 } }],
    [
      "apart",
      { kind: "apart" },
      { ...EMPTY, queues: { [`${NOW} solo`]: ["r"] }, counts: { waiting: 1, out: 0, late: 0 } },
    ],
    [
      "leased",
      { kind: "leased", remainingMs: 700 },
      { ...EMPTY, counts: { waiting: 0, out: 1, late: 0 }, outBatches: 1 },
    ],
    ["unanswered", NO_ANSWER, { ...EMPTY, counts: { waiting: 0, out: 1, late: 0 }, outBatches: 1 }],
  ] as const)("of a run that is %s leads where it should", (_name, reply, state) => {
    const ledger = ledgerWith(refOf({ runId: "r" }));
    const batch = publishFirst(ledger);
    const [entry] = ledger.dueQuestions(2_000).out;
    if (entry) ledger.resolveOut(entry, batch, reply, TIME);
    expect(stateOf(ledger)).toEqual(state);
  });

  test("comes again when the rest of the lease and a margin are over", () => {
    const ledger = ledgerWith(refOf());
    const batch = publishFirst(ledger);
    const [entry] = batch.entries;
    if (entry) ledger.resolveOut(entry, batch, { kind: "leased", remainingMs: 5_000 }, TIME);
    expect(ledger.dueQuestions(6_499).out).toHaveLength(0);
    expect(ledger.dueQuestions(6_500).out).toHaveLength(1);
  });

  test("that answers about an earlier batch is not believed", () => {
    const ref = refOf();
    const ledger = ledgerWith(ref);
    const first = publishFirst(ledger, "b1");
    const [entry] = first.entries;
    finish(ledger, "b1", { [ref.runId]: "returned" });
    publishFirst(ledger, "b2");
    if (entry) ledger.resolveOut(entry, first, { kind: "ready" }, TIME);
    expect(stateOf(ledger)).toEqual({ queues: {}, counts: { waiting: 0, out: 1, late: 0 }, outBatches: 1 });
  });
});

describe("a reference that looks late", () => {
  const late = (reply: Parameters<Ledger["resolveLate"]>[1]) => {
    const ledger = ledgerWith(refOf({ runId: "late", deadlineMs: 100 }), refOf({ runId: "in time" }));
    expect(ledger.takeLate(101)).toBe(1);
    expect(stateOf(ledger).counts).toEqual({ waiting: 1, out: 0, late: 1 });
    const [entry] = ledger.dueQuestions(TIME.nowMs).late;
    if (entry) ledger.resolveLate(entry, reply, TIME.nowMs);
    return ledger;
  };

  test("is forgotten when its run is closed", () => {
    expect(stateOf(late({ kind: "closed", orphanBlob: "" })).queues).toEqual({ [NOW]: ["in time"] });
  });

  test("waits again, with its new deadline, when a twin has prolonged the run", () => {
    const ledger = late({ kind: "open", deadlineMs: 500 });
    expect(stateOf(ledger).queues).toEqual({ [NOW]: ["late", "in time"] });
    expect(ledger.takeLate(500)).toBe(0);
    expect(ledger.takeLate(501)).toBe(1);
  });

  test("is asked about again when there was no answer", () => {
    const ledger = late(NO_ANSWER);
    expect(ledger.dueQuestions(TIME.nowMs).late).toHaveLength(0);
    expect(ledger.dueQuestions(TIME.nowMs + 1_000).late).toHaveLength(1);
  });
});

test("a shard that is lost is forgotten, waiting, out and late, and no other", () => {
  const refs = [0, 1].flatMap((shard) => [refOf({ shard }), refOf({ shard }), refOf({ shard, deadlineMs: 5 })]);
  const ledger = ledgerWith(...refs);
  ledger.takeLate(6);
  publishFirst(ledger, "b1", 1);
  ledger.forgetShard(0);
  expect(stateOf(ledger).counts).toEqual({ waiting: 2, out: 0, late: 1 });
  expect(ledger.outBatches("p")).toBe(0);
  expect(ledger.knownEntryIds(0, NOW).size).toBe(0);
  expect(ledger.countOf(NOW)).toBe(3);
  ledger.forgetShard(1);
  expect(stateOf(ledger)).toEqual(EMPTY);
});

describe("whatever happens in whatever order", () => {
  type Step = { kind: "list" | "publish" | "finish" | "takeBack" | "lookUp" | "late" | "forget"; pick: number };
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom("list", "publish", "finish", "takeBack", "lookUp", "late", "forget"),
      pick: fc.nat(1_000),
    }),
    { maxLength: 60 },
  );

  test("no run is ever in two places, and the figures agree with what is there", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const ledger = new Ledger();
        const batches: OutBatch[] = [];
        list.forEach((step, number) => {
          act(ledger, batches, { ...step, number });
          agree(ledger);
        });
      }),
      { numRuns: 300 },
    );
  });

  function act(ledger: Ledger, batches: OutBatch[], { kind, pick, number }: Step & { number: number }): void {
    const batch = batches[pick % Math.max(1, batches.length)];
    const reasons = ["returned", "apart", "unknown"] as const;
    const replies = [
      { kind: "closed" },
      { kind: "ready" },
      { kind: "apart" },
      { kind: "leased", remainingMs: 1 },
    ] as const;
    const [queue] = ledger.queues();
    if (kind === "list") {
      const shard = pick % 2;
      const lane = pick % 3 === 0 ? BULK : NOW;
      const runId = `${shard} ${pick % 7}`;
      ledger.list([refOf({ runId, shard, lane, deadlineMs: pick, admittedMs: pick })], number, 0);
    } else if (kind === "publish" && queue) {
      const publication = { batchId: `b${number}`, pool: "p", publishedMs: 0, metIdleSlot: true, askAtMs: number + 5 };
      batches.push(ledger.publish(queue, 1 + (pick % 4), publication));
    } else if (kind === "finish" && batch) {
      const named = batch.entries.filter((_, index) => (pick >> index) % 2 === 0);
      finish(
        ledger,
        batch.batchId,
        Object.fromEntries(named.map(({ ref }, i) => [ref.runId, reasons[(pick + i) % 3] ?? "unknown"])),
      );
    } else if (kind === "takeBack" && batch) {
      ledger.takeBack(batch);
    } else if (kind === "lookUp") {
      ledger.dueQuestions(number).out.forEach((entry, i) => {
        ledger.resolveOut(entry, entry.batch, replies[(pick + i) % 5] ?? NO_ANSWER, { nowMs: number, marginMs: 1 });
      });
    } else if (kind === "late") {
      ledger.takeLate(pick);
      for (const entry of ledger.dueQuestions(number).late) {
        ledger.resolveLate(
          entry,
          pick % 2 ? { kind: "closed", orphanBlob: "" } : { kind: "open", deadlineMs: pick },
          number,
        );
      }
    } else if (kind === "forget") {
      ledger.forgetShard(pick % 2);
    }
  }

  function agree(ledger: Ledger): void {
    const { queues, counts } = stateOf(ledger);
    const queued = Object.values(queues).flat();
    expect(new Set(queued).size).toBe(queued.length);
    expect(queued.length).toBe(counts.waiting);
    expect(ledger.queues().every((queue) => queue.count > 0)).toBe(true);
    const elsewhere = ledger.dueQuestions(Infinity);
    const away = [...elsewhere.out, ...elsewhere.late];
    expect(away.length).toBe(counts.out + counts.late);
    const everywhere = [...queued, ...away.map((entry) => entry.ref.runId)];
    expect(new Set(everywhere).size).toBe(everywhere.length);
    expect(ledger.countOf(NOW) + ledger.countOf(BULK)).toBe(everywhere.length);
    const outWith = new Set(elsewhere.out.flatMap((entry) => entry.batch ?? []));
    expect(ledger.outBatches("p")).toBe(outWith.size);
  }
});
