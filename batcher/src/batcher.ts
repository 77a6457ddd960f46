import { randomBytes } from "node:crypto";
import {
  type Clock,
  createKnownZones,
  createLiveSettings,
  createModelRegistry,
  createShardSubscriber,
  DEFAULT_ZONE,
  type RedisClient,
  type RedisTarget,
  type Service,
  SHARD_LEASE_MS,
} from "@sluice/broker";
import type { Logger } from "pino";
import { KnowledgeBook } from "./adaptive/knowledge-book.js";
import { createCreditFeed } from "./credit-feed.js";
import { createDeadSlotsLoop } from "./dead-slots-loop.js";
import { createDepthLoop } from "./depth-loop.js";
import { createLaneDirectory } from "./lane-directory.js";
import { LaneHolds } from "./lane-holds.js";
import { createLaneWatch } from "./lane-watch.js";
import { Ledger } from "./ledger.js";
import { createLookUpLoop } from "./look-up-loop.js";
import { createLoopHealth, type LoopName } from "./loop-health.js";
import { type BatcherMetrics, createBatcherMetrics } from "./metrics.js";
import { createOwnership } from "./ownership.js";
import { createPublishers } from "./publishers.js";
import { createReadLoops } from "./read-loops.js";
import { DEFAULT_READ_PACING, type ReadPacing } from "./read-pacing.js";
import { RecentBatches } from "./recent-batches.js";
import { GUEST_PREFIX } from "./rendezvous.js";
import { createServerClock } from "./server-clock.js";
import { createSweepLoops } from "./sweep-loops.js";
import { createTimesLoop } from "./times-loop.js";
import { createRoutes } from "./zones/routes.js";

/** What a batcher needs; it does not close what it is given. */
export interface BatcherDeps {
  readonly target: RedisTarget;
  readonly redis: RedisClient;
  readonly log: Logger;
  readonly clock: Clock;
}

/** How a batcher behaves beyond the live settings. */
export interface BatcherOptions {
  /** @defaultValue DEFAULT_READ_PACING */
  readonly pacing?: ReadPacing;
  /** Whose work it looks after. @defaultValue `local` */
  readonly zone?: string;
  /** It belongs to another zone, and goes when this one has a batcher of its own. @defaultValue false */
  readonly isGuest?: boolean;
}

/** One batcher: reads references, forms batches, publishes them. */
export interface Batcher extends Service {
  /** New at every boot: entries and batches of an earlier life are another's. */
  readonly name: string;
  readonly metrics: BatcherMetrics;
  /** It has announced itself, and its loops go round. */
  isReady(): boolean;
}

/** Puts a batcher together. Nothing runs before `start`. */
export function createBatcher(deps: BatcherDeps, options: BatcherOptions = {}): Batcher {
  const random = randomBytes(6).toString("hex");
  const name = options.isGuest ? `${GUEST_PREFIX}${random}` : `b${random}`;
  const parts = assemble({ ...deps, log: deps.log.child({ batcher: name }) }, options, name);
  let started = false;
  let stopping: Promise<void> | undefined;
  return {
    name,
    metrics: parts.metrics,
    isReady: () => started && stopping === undefined && isGoingRound(parts, deps.clock),
    async start() {
      if (started || stopping) return;
      started = true;
      await parts.settings.start();
      await parts.models.start();
      await parts.zones.start();
      await parts.times.start();
      await parts.subscriber.start();
      await parts.laneWatch.start();
      await parts.ownership.start();
      await parts.lookUps.start();
      await parts.deadSlots.start();
      await parts.depth.start();
    },
    stop: () => (stopping ??= stopParts(parts, started)),
  };
}

type Parts = ReturnType<typeof assemble>;

function assemble(deps: BatcherDeps, options: BatcherOptions, name: string) {
  const { redis, target, log, clock } = deps;
  const { zone = DEFAULT_ZONE, pacing = DEFAULT_READ_PACING } = options;
  const health = createLoopHealth();
  const settings = createLiveSettings(redis, log);
  const models = createModelRegistry(redis, log);
  const zones = createKnownZones(redis, log, zone, { isGuest: options.isGuest ?? false });
  const lanes = createLaneDirectory({ zone, zones, models, settings, clock });
  const ledger = new Ledger();
  const holds = new LaneHolds();
  const knowledge = new KnowledgeBook();
  const recent = new RecentBatches();
  const serverClock = createServerClock(redis, clock);
  const creditsOf = (site: string) => publishers.get(site)?.credits;
  const routes = createRoutes({ lanes, ledger, zones, serverClock, creditsOf });
  const metrics = createBatcherMetrics({
    zone,
    clock,
    health,
    ledgerCounts: () => ledger.counts(),
    ownedShards: () => ownership.owned().length,
    refusedSettings: () => settings.refusedCount(),
    pollAgesMs: () => agesOf({ settings, models, zones, subscription: subscriber }),
  });
  const told = { knowledge, recent, metrics };
  const common = { redis, target, log, clock, serverClock, health, settings, lanes, routes, ledger, holds, ...told };
  const events = {
    acquired: (shard: number) => sweeps.begin(shard),
    lost(shard: number) {
      sweeps.end(shard);
      ledger.forgetShard(shard);
    },
    changed: () => readers.reconcile(),
  };
  const ownership = createOwnership({ ...common, events }, { batcher: name, zone });
  const listed = () => publishers.wakeAll();
  const lookUps = createLookUpLoop({ ...common, listed });
  const publishers = createPublishers({ ...common, ownership, lateFound: () => lookUps.wake() }, name);
  const sweeps = createSweepLoops({ ...common, zone, zones, ownership, listed }, name);
  const readers = createReadLoops({ ...common, ownership, publishers, listed }, name, pacing);
  const subscriber = createShardSubscriber(target, log);
  const feed = createCreditFeed({ ...common, subscriber, publishers, readers, lookUps });
  return {
    ...common,
    models,
    zones,
    ownership,
    lookUps,
    publishers,
    sweeps,
    readers,
    subscriber,
    laneWatch: createLaneWatch({ ...common, publishers, readers, feed }),
    deadSlots: createDeadSlotsLoop(common),
    depth: createDepthLoop({ ...common, ownership, publishers }, name),
    times: createTimesLoop(common),
  };
}

function agesOf<Name extends string>(polls: Record<Name, { ageMs(): number }>): Record<Name, number> {
  const ages = Object.entries<{ ageMs(): number }>(polls).map(([name, poll]) => [name, poll.ageMs()]);
  return Object.fromEntries(ages) as Record<Name, number>;
}

function isGoingRound({ health, ownership }: Pick<Parts, "health" | "ownership">, clock: Clock): boolean {
  const nowMs = clock.monotonicMs();
  const fresh = (loop: LoopName): boolean => health.ageMs(loop, nowMs) < SHARD_LEASE_MS;
  return fresh("ownership") && fresh("lanes") && (ownership.serving().length === 0 || fresh("read"));
}

/** Takes in nothing new, lets go what can go, and gives the shards up, so that another batcher goes on at once. */
async function stopParts(parts: Parts, started: boolean): Promise<void> {
  await Promise.all([parts.readers.stop(), parts.sweeps.stop()]);
  await tolerate(parts.log, "drain", () => parts.publishers.drain());
  await parts.ownership.stop();
  if (started) await tolerate(parts.log, "release", () => parts.ownership.releaseAll());
  const { laneWatch, lookUps, deadSlots, depth, times, subscriber, zones, models, settings } = parts;
  for (const service of [laneWatch, lookUps, deadSlots, depth, times, subscriber, zones, models, settings])
    await service.stop();
}

/** Redis may be away while a batcher stops; what is left undone then is found by the next owner. */
async function tolerate(log: Logger, step: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn({ err: error, step }, "could not finish while stopping; the next owner will");
  }
}
