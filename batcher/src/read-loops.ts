import { type Clock, createReadyReader, type RedisClient, type RedisTarget, type Ref } from "@sluice/broker";
import type { Logger } from "pino";
import type { KnowledgeBook } from "./adaptive/knowledge-book.js";
import type { LaneDirectory } from "./lane-directory.js";
import type { Ledger } from "./ledger.js";
import type { LoopHealth } from "./loop-health.js";
import type { Ownership } from "./ownership.js";
import type { Publishers } from "./publishers.js";
import { ArrivalRate, type FillingBatch, type ReadPacing, readPauseMs } from "./read-pacing.js";
import { fillingBatchOf } from "./read-outlook.js";
import { planRead, planReaders, type ReaderPlan } from "./read-plan.js";
import type { ServerClock } from "./server-clock.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";
import type { Routes } from "./zones/routes.js";

/** Longest BLOCK. Half of what Redis bears well, so that a shard that was taken over is read the sooner. */
const BLOCK_MS = 500;
/** BLOCK while some lanes have no room. */
const CROWDED_BLOCK_MS = 10;
/** Nothing may be read: room comes when batches are finished, which wakes the loops too. */
const NO_ROOM_PAUSE_MS = 100;
/** Two batches for each credit keep a pool busy; the rest is left to whoever takes the shard over. */
const READ_AHEAD_BATCHES_PER_CREDIT = 2;

/** Blocking reads of new references, one loop for each connection. */
export interface ReadLoops {
  /** Starts and ends loops as shards and lanes have come and gone. */
  reconcile(): void;
  /** There may be room again: wakes the loops that wait for it. */
  roomFreed(): void;
  /** Ends at once: what a reply that is under way holds is pending, and is found by the next owner of its shard. */
  stop(): Promise<void>;
}

interface ReadDeps {
  readonly target: RedisTarget;
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly lanes: LaneDirectory;
  readonly ledger: Ledger;
  readonly knowledge: KnowledgeBook;
  readonly ownership: Ownership;
  readonly publishers: Publishers;
  readonly routes: Routes;
  /** New references are waiting. */
  readonly listed: () => void;
}

interface Reader {
  plan: ReaderPlan;
  waitsForRoom: boolean;
  readonly loop: WakeableLoop;
  readonly close: () => void;
}

/** @param batcher the consumer's name, new at every boot. */
export function createReadLoops(deps: ReadDeps, batcher: string, pacing: ReadPacing): ReadLoops {
  const readers = new Map<string, Reader>();
  const ending = new Set<Promise<void>>();
  let stopped = false;

  const end = (name: string): void => {
    const reader = readers.get(name);
    if (!reader) return;
    readers.delete(name);
    reader.close();
    const done = reader.loop.stop();
    ending.add(done);
    void done.finally(() => ending.delete(done));
  };
  return {
    reconcile() {
      if (stopped) return;
      const lanes = deps.lanes.lanes().map((lane) => lane.name);
      const plans = planReaders(deps.target.kind, deps.ownership.serving(), lanes);
      for (const name of [...readers.keys()]) if (!plans.some((plan) => plan.name === name)) end(name);
      for (const plan of plans) {
        const known = readers.get(plan.name);
        if (known) known.plan = plan;
        else readers.set(plan.name, startReader(deps, batcher, { plan, pacing }));
      }
    },
    roomFreed() {
      for (const reader of readers.values()) if (reader.waitsForRoom) reader.loop.wake();
    },
    async stop() {
      stopped = true;
      for (const name of [...readers.keys()]) end(name);
      await Promise.all(ending);
    },
  };
}

function startReader(deps: ReadDeps, batcher: string, options: { plan: ReaderPlan; pacing: ReadPacing }): Reader {
  const rate = new ArrivalRate();
  const connection = createReadyReader(deps.target, deps.redis, batcher, options.plan.shard);
  const turn = async (): Promise<number> => {
    const step = planRead(reader.plan, deps.ownership.serving().length, (lane) => roomOf(deps, lane));
    reader.waitsForRoom = step.streams.length === 0;
    if (reader.waitsForRoom) return NO_ROOM_PAUSE_MS;
    const refs = await connection.read(step.streams, step.count, step.crowded ? CROWDED_BLOCK_MS : BLOCK_MS);
    rate.count(refs.length, deps.clock.monotonicMs());
    if (refs.length === 0) return 0;
    take(deps, refs);
    // A stream may hold more than COUNT.
    if (refs.length >= step.count) return 0;
    return readPauseMs(fillingBatches(deps, reader.plan, options.pacing.minMs), rate.perMs, options.pacing);
  };
  const loop = createWakeableLoop("read", turn, deps);
  const reader: Reader = { plan: options.plan, waitsForRoom: false, loop, close: () => connection.close() };
  void loop.start();
  return reader;
}

function fillingBatches(
  { publishers, lanes, routes, clock }: ReadDeps,
  plan: ReaderPlan,
  minMs: number,
): FillingBatch[] {
  const nowMs = clock.monotonicMs();
  const batches = publishers.list().flatMap(([, publisher]) =>
    publisher
      .views(plan.lanes)
      .filter(({ solo }) => !solo)
      .map((view) => fillingBatchOf(view, nowMs)),
  );
  // A task that comes to an idle slot is to leave at once.
  const leavesAtOnce = plan.lanes.some((name) => {
    const lane = lanes.get(name);
    if (lane === undefined || lanes.settingsOf(lane).batchMode === "fixed") return false;
    return routes.sitesInUse(lane).some((site) => publishers.get(site)?.hasIdleSlot() ?? false);
  });
  return leavesAtOnce ? [...batches, { missing: Infinity, dueInMs: minMs }] : batches;
}

/** A shard may have been lost while the read was blocked: its references are the next owner's. */
function take(deps: ReadDeps, refs: readonly Ref[]): void {
  const { ownership, ledger, clock, serverClock, listed } = deps;
  const ours = refs.filter((ref) => ownership.owns(ref.shard));
  const nowMs = clock.monotonicMs();
  ledger.list(ours, nowMs, serverClock.nowMs());
  noteArrivals(deps, ours, nowMs);
  listed();
}

function noteArrivals({ knowledge, lanes }: ReadDeps, refs: readonly Ref[], nowMs: number): void {
  const counts = new Map<string, number>();
  for (const { lane } of refs) counts.set(lane, (counts.get(lane) ?? 0) + 1);
  for (const [name, count] of counts) {
    const lane = lanes.get(name);
    if (lane) knowledge.of(name, lane.modelMaxSize).gap.arrived(nowMs, count);
  }
}

/** How many more references of a lane may lie in memory. */
function roomOf({ lanes, publishers, routes, ownership, ledger }: ReadDeps, laneName: string): number {
  const lane = lanes.get(laneName);
  if (!lane) return 0;
  const shares = routes
    .sitesInUse(lane)
    .map((site) => publishers.get(site)?.credits.share(ownership.shardRatio()) ?? 1);
  const credits = shares.reduce((sum, share) => sum + share);
  return READ_AHEAD_BATCHES_PER_CREDIT * credits * lanes.maxSizeOf(lane) - ledger.countOf(laneName);
}
