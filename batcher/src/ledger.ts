import {
  BrokerError,
  type CreditMessage,
  type ExpireReply,
  type LookUpReply,
  parseLane,
  type Ref,
  SHARD_COUNT,
} from "@sluice/broker";
import { LaneQueue, type WaitingRef } from "./lane-queue.js";

// What this batcher knows of each run, one entry per run, whatever entries the run has in ready streams:
//
//   (unknown) ──list──▶ waiting ──publish──▶ out ──settled, or look-up: closed──▶ (unknown)
//                       ▲  │  ▲              │ │
//                       │  │  └──────────────┘ │  returned, apart, look-up: ready or apart, publishing failed
//                       │  └──takeLate──▶ late │
//                       └────still open────┘   └──unknown, or the timer fires──▶ looked up
//
// It is memory only. Whatever is wrong or missing here is found again by the walk over the ready streams, whose
// entries are the custody; nothing here is needed to bring a run to its end, it only saves time and notices.

/** How long after a failed question to Redis it is asked again. */
const ASK_AGAIN_MS = 1_000;

/**
 * A reference has waited since its admission, also while it lay unread between two reads. No more than this is
 * counted: the clocks of Redis' masters may be apart, and what lay unread for long waited for credits.
 */
const MAX_UNREAD_MS = 20;

/** Everything known of one run. Only the ledger changes it. */
export interface LedgerEntry extends WaitingRef {
  readonly ref: Ref;
  readonly state: "waiting" | "out" | "late";
  /** It must be alone in its batch: too many workers died with it. */
  readonly alone: boolean;
  /** The batch it left with; undefined unless it is out in a batch of which no end is known. */
  readonly batch: OutBatch | undefined;
  /** When to ask Redis what became of it, monotonic milliseconds; for `out` and `late`. */
  readonly askAtMs: number;
  /** With no more than this left to live it is late, milliseconds; for `late`. */
  readonly marginMs: number;
}

interface MutableEntry extends LedgerEntry {
  ref: Ref;
  state: LedgerEntry["state"];
  alone: boolean;
  batch: OutBatch | undefined;
  askAtMs: number;
  marginMs: number;
  /** Its other entry: a `now` twin of a `bulk` run puts the run into both streams. */
  twin: { readonly lane: string; readonly entryId: string } | undefined;
}

/** A batch that is published and not known to be finished. */
export interface OutBatch {
  readonly batchId: string;
  readonly pool: string;
  /** The lane it was published for; its runs may have changed to another since. */
  readonly lane: string;
  /** Monotonic milliseconds. */
  readonly publishedMs: number;
  /** A slot had nothing to do when it was published: nothing was before it. */
  readonly metIdleSlot: boolean;
  readonly entries: readonly LedgerEntry[];
}

interface MutableBatch extends OutBatch {
  readonly entries: readonly MutableEntry[];
  /** How many of them are still out with it. */
  open: number;
}

/** What a batch was published as. */
export interface Publication {
  readonly batchId: string;
  readonly pool: string;
  /** Monotonic milliseconds. */
  readonly publishedMs: number;
  readonly metIdleSlot: boolean;
  /** When to ask what became of references of which nothing was heard, monotonic milliseconds. */
  readonly askAtMs: number;
}

/** A queue whose references may fill a batch up to `size` rows. */
export interface BatchFill {
  readonly queue: LaneQueue<LedgerEntry>;
  readonly size: number;
}

/** What the ledger holds, by state. */
export type LedgerCounts = Readonly<Record<LedgerEntry["state"], number>>;

/** The memory of one batcher: which run is where, and the queues of those that wait. Pure: no clock, no I/O. */
export class Ledger {
  readonly #shards = Array.from({ length: SHARD_COUNT }, () => new Map<string, MutableEntry>());
  readonly #queues = new Map<string, LaneQueue<MutableEntry>>();
  readonly #batches = new Map<string, MutableBatch>();
  readonly #laneCounts = new Map<string, number>();

  /** Queues in which something waits. */
  queues(): readonly LaneQueue<LedgerEntry>[] {
    return [...this.#queues.values()];
  }

  /**
   * Puts references that were read or swept into their queues; those of runs that are known change little.
   * @param nowMs monotonic. @param serverNowMs the same moment on the Redis server.
   * @returns how many runs were not known.
   */
  list(refs: readonly Ref[], nowMs: number, serverNowMs: number): number {
    let fresh = 0;
    for (const ref of refs) {
      const known = this.#shards[ref.shard]?.get(ref.runId);
      if (known) this.#noteEntry(known, ref);
      else {
        const unreadMs = Math.min(Math.max(0, serverNowMs - ref.admittedMs), MAX_UNREAD_MS);
        this.#enter(ref, nowMs - unreadMs);
        fresh++;
      }
    }
    return fresh;
  }

  /**
   * Takes the oldest references of a queue that fit into `size` and notes them as out.
   * @param fill places that are left are for the oldest references of its queue.
   */
  publish(queue: LaneQueue<LedgerEntry>, size: number, publication: Publication, fill?: BatchFill): OutBatch {
    const mine = this.#ownQueue(queue);
    const entries = mine.take(size, queue.kind.solo ? 1 : Infinity);
    this.#dropIfEmpty(mine);
    if (fill) {
      const others = this.#ownQueue(fill.queue);
      entries.push(...others.takeFitting(fill.size - entries.reduce((sum, { ref }) => sum + ref.cost, 0)));
      this.#dropIfEmpty(others);
    }
    const { askAtMs, ...rest } = publication;
    const batch: MutableBatch = { ...rest, lane: mine.kind.lane, entries, open: entries.length };
    this.#batches.set(batch.batchId, batch);
    for (const entry of entries) {
      entry.state = "out";
      entry.batch = batch;
      entry.askAtMs = askAtMs;
    }
    return batch;
  }

  /** The batch was not published, or nobody knows: what is still out with it waits again, in its old place. */
  takeBack(batch: OutBatch): void {
    const mine = this.#batches.get(batch.batchId);
    this.#batches.delete(batch.batchId);
    for (const entry of mine?.entries ?? []) if (this.#isOutWith(entry, batch)) this.#relist(entry);
  }

  /**
   * Hears of a finished batch. A run that the message does not name is closed, by whomever. A named run changes only
   * if it is still out with that very batch.
   * @returns the batch; undefined if it was not this batcher's, or is over already.
   */
  finish(message: CreditMessage, nowMs: number): OutBatch | undefined {
    const batch = this.#batches.get(message.batchId);
    if (!batch) return undefined;
    this.#batches.delete(batch.batchId);
    const unsettled = new Map(message.unsettled.map(({ runId, why }) => [runId, why]));
    for (const entry of batch.entries) {
      const why = unsettled.get(entry.ref.runId);
      if (why === undefined) this.#forget(entry);
      else if (this.#isOutWith(entry, batch)) {
        entry.batch = undefined;
        if (why === "unknown") entry.askAtMs = nowMs;
        else this.#relist(entry, why === "apart");
      }
    }
    return batch;
  }

  /**
   * Takes references that look late out of the queues, to be asked about at once (see `resolveLate`).
   * @param marginMsOf how long what waits in a queue must have left to be worth a place in a batch, milliseconds.
   * @returns how many.
   */
  takeLate(serverNowMs: number, marginMsOf: (queue: LaneQueue<LedgerEntry>) => number = () => 0): number {
    let count = 0;
    for (const queue of [...this.#queues.values()]) {
      const marginMs = marginMsOf(queue);
      const late = queue.takeLate(serverNowMs + marginMs);
      for (const entry of late) {
        entry.state = "late";
        entry.marginMs = marginMs;
        entry.askAtMs = -Infinity;
      }
      count += late.length;
      this.#dropIfEmpty(queue);
    }
    return count;
  }

  /** What Redis is to be asked about now; the look-up of `out`, the expiry of `late`. O(runs in memory). */
  dueQuestions(nowMs: number): { readonly out: LedgerEntry[]; readonly late: LedgerEntry[] } {
    const due: { out: LedgerEntry[]; late: LedgerEntry[] } = { out: [], late: [] };
    for (const shard of this.#shards) {
      for (const entry of shard.values()) {
        if (entry.state !== "waiting" && entry.askAtMs <= nowMs) due[entry.state].push(entry);
      }
    }
    return due;
  }

  /** What is out with a pool is to be asked about at once: nobody is there who would do it. */
  doubt(pool: string, nowMs: number): void {
    for (const batch of this.#batches.values()) {
      if (batch.pool !== pool) continue;
      for (const entry of batch.entries) if (this.#isOutWith(entry, batch)) entry.askAtMs = nowMs;
    }
  }

  /**
   * Hears what became of a published reference.
   * @param asked the batch with which it was out when Redis was asked: it may have moved on since.
   * @param marginMs added to the rest of a lease before it is asked about again.
   */
  resolveOut(
    entry: LedgerEntry,
    asked: OutBatch | undefined,
    reply: LookUpReply | BrokerError,
    { nowMs, marginMs }: { readonly nowMs: number; readonly marginMs: number },
  ): void {
    const mine = this.#own(entry);
    if (mine?.state !== "out" || mine.batch !== asked) return;
    if (reply instanceof Error) mine.askAtMs = nowMs + ASK_AGAIN_MS;
    else if (reply.kind === "leased") mine.askAtMs = nowMs + reply.remainingMs + marginMs;
    else if (reply.kind === "closed") this.#forget(mine);
    else this.#relist(mine, reply.kind === "apart");
  }

  /** Hears whether a reference that looked late is closed; if a twin has prolonged its run, it waits again. */
  resolveLate(entry: LedgerEntry, reply: ExpireReply | BrokerError, nowMs: number): void {
    const mine = this.#own(entry);
    if (mine?.state !== "late") return;
    if (reply instanceof Error) mine.askAtMs = nowMs + ASK_AGAIN_MS;
    else if (reply.kind === "closed") this.#forget(mine);
    else {
      mine.ref = { ...mine.ref, deadlineMs: reply.deadlineMs };
      this.#relist(mine);
    }
  }

  /** Forgets a shard that is another batcher's now. */
  forgetShard(shard: number): void {
    for (const entry of this.#shards[shard]?.values() ?? []) {
      this.#leaveBatch(entry);
      this.#addToLane(entry.ref.lane, -1);
    }
    this.#shards[shard]?.clear();
    for (const queue of [...this.#queues.values()]) {
      queue.removeWhere((entry) => entry.ref.shard === shard);
      this.#dropIfEmpty(queue);
    }
  }

  /** Ids of the entries of one ready stream whose runs are known. O(runs of the shard). */
  knownEntryIds(shard: number, lane: string): ReadonlySet<string> {
    const ids = new Set<string>();
    for (const { ref, twin } of this.#shards[shard]?.values() ?? []) {
      if (ref.lane === lane) ids.add(ref.entryId);
      if (twin?.lane === lane) ids.add(twin.entryId);
    }
    return ids;
  }

  /** Runs of a lane that are known, in whatever state. */
  countOf(lane: string): number {
    return this.#laneCounts.get(lane) ?? 0;
  }

  /** Batches that were published to a pool and are not known to be finished. */
  outBatches(pool: string): number {
    let count = 0;
    for (const batch of this.#batches.values()) if (batch.pool === pool) count++;
    return count;
  }

  /** How many runs are in each state. */
  counts(): LedgerCounts {
    const counts = { waiting: 0, out: 0, late: 0 };
    for (const shard of this.#shards) for (const entry of shard.values()) counts[entry.state]++;
    return counts;
  }

  #enter(ref: Ref, arrivedMs: number): void {
    const entry: MutableEntry = {
      ref,
      arrivedMs,
      state: "waiting",
      alone: false,
      batch: undefined,
      askAtMs: Infinity,
      marginMs: 0,
      twin: undefined,
    };
    this.#shards[ref.shard]?.set(ref.runId, entry);
    this.#addToLane(ref.lane, 1);
    this.#queueFor(entry).add(entry);
  }

  /** A second entry of a known run: the `now` lane wins, wherever the run is at the moment. */
  #noteEntry(entry: MutableEntry, ref: Ref): void {
    const { lane, entryId } = entry.ref;
    if (lane === ref.lane) return;
    const promoted = parseLane(ref.lane)?.batchClass === "now" && parseLane(lane)?.batchClass === "bulk";
    if (!promoted) {
      entry.twin = { lane: ref.lane, entryId: ref.entryId };
      return;
    }
    if (entry.state === "waiting") this.#unqueue(entry);
    const deadlineMs = Math.max(entry.ref.deadlineMs, ref.deadlineMs);
    entry.ref = { ...entry.ref, lane: ref.lane, entryId: ref.entryId, deadlineMs };
    entry.twin = { lane, entryId };
    this.#addToLane(lane, -1);
    this.#addToLane(ref.lane, 1);
    if (entry.state === "waiting") this.#queueFor(entry).add(entry);
  }

  #relist(entry: MutableEntry, alone = false): void {
    this.#leaveBatch(entry);
    // Once alone, always alone: the run's deaths in company do not go away.
    entry.alone ||= alone;
    entry.state = "waiting";
    entry.askAtMs = Infinity;
    this.#queueFor(entry).add(entry);
  }

  #forget(entry: MutableEntry): void {
    if (!this.#own(entry)) return;
    this.#leaveBatch(entry);
    if (entry.state === "waiting") this.#unqueue(entry);
    this.#shards[entry.ref.shard]?.delete(entry.ref.runId);
    this.#addToLane(entry.ref.lane, -1);
  }

  /** A batch whose references have all moved on is over, even if nobody said so. */
  #leaveBatch(entry: MutableEntry): void {
    const batch = entry.batch && this.#batches.get(entry.batch.batchId);
    entry.batch = undefined;
    if (batch && --batch.open === 0) this.#batches.delete(batch.batchId);
  }

  #isOutWith(entry: MutableEntry, batch: OutBatch): boolean {
    return this.#own(entry) !== undefined && entry.state === "out" && entry.batch === batch;
  }

  /** The entry as the ledger's own, or undefined if it was forgotten meanwhile. */
  #own(entry: LedgerEntry): MutableEntry | undefined {
    const mine = this.#shards[entry.ref.shard]?.get(entry.ref.runId);
    return mine === entry ? mine : undefined;
  }

  #addToLane(lane: string, change: number): void {
    this.#laneCounts.set(lane, this.countOf(lane) + change);
  }

  #unqueue(entry: MutableEntry): void {
    const queue = this.#queueFor(entry);
    queue.removeWhere((item) => item === entry);
    this.#dropIfEmpty(queue);
  }

  #queueFor({ ref: { lane, signature }, alone }: MutableEntry): LaneQueue<MutableEntry> {
    const name = queueName({ lane, signature, solo: alone });
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new LaneQueue<MutableEntry>({ lane, signature, solo: alone });
    this.#queues.set(name, queue);
    return queue;
  }

  #ownQueue(queue: LaneQueue<LedgerEntry>): LaneQueue<MutableEntry> {
    const mine = this.#queues.get(queueName(queue.kind));
    if (mine) return mine;
    throw new BrokerError("internal", "a batch was decided for a queue in which nothing waits");
  }

  #dropIfEmpty(queue: LaneQueue<MutableEntry>): void {
    if (queue.count === 0) this.#queues.delete(queueName(queue.kind));
  }
}

function queueName({ lane, signature, solo }: { lane: string; signature: string; solo: boolean }): string {
  return `${lane} ${solo ? "solo" : "shared"} ${signature}`;
}
