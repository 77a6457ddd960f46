import { setTimeout as sleep } from "node:timers/promises";
import {
  type BatchReason,
  type Clock,
  type LiveSettings,
  type Notice,
  publishBatch,
  type PublishReply,
  readPoolUse,
  type RedisClient,
} from "@sluice/broker";
import type { Logger } from "pino";
import {
  type BatchCandidate,
  type CandidateDeps,
  fillOf,
  hopelessWithinMs,
  listCandidates,
} from "./batch-candidates.js";
import { chooseBatch } from "./choose-batch.js";
import type { Decision, LaneView } from "./decide.js";
import type { LaneQueue } from "./lane-queue.js";
import type { LedgerEntry, OutBatch } from "./ledger.js";
import { LOOK_UP_MARGIN_MS } from "./look-up-loop.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import type { Ownership } from "./ownership.js";
import { CREDIT_LOOK_MS, PoolCredits } from "./pool-credits.js";
import type { RecentBatches } from "./recent-batches.js";
import type { ServerClock } from "./server-clock.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

/** It takes a turn so often even if nothing happens, so that a loop that hangs can be told from one that has no work. */
const IDLE_TURN_MS = 1_000;
/** How often the pool is looked at although publishing tells of its credits: nothing else tells of its endpoints. */
const LOOK_EVERY_MS = 1_000;
/** How often batches before a pool without workers are asked about: those that a dead worker has come back by and by. */
const DOUBT_EVERY_MS = 1_000;

/** Long enough for another batcher to publish a batch. */
const GIVE_WAY_MS = 3;

/** What a publisher needs. */
export interface PublishDeps extends CandidateDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly settings: LiveSettings;
  readonly ownership: Ownership;
  readonly metrics: BatcherMetrics;
  readonly recent: RecentBatches;
  /** References look late, or lost, and are to be asked about. */
  readonly lateFound: () => void;
}

/** Publishes the batches of one pool. Woken by arrivals and credits. */
export interface PoolPublisher extends WakeableLoop {
  readonly credits: PoolCredits;
  /** The queues of these lanes in which something waits, as they are now. */
  views(lanes: readonly string[]): LaneView[];
  /** Worker slots of the whole pool, as last heard. */
  slotsOfPool(): number;
  /** This batcher could occupy another slot at once. */
  hasIdleSlot(): boolean;
  /** Stops, and lets everything leave at once for which there is a credit. */
  drain(): Promise<void>;
}

/** @param batcher the batcher's name, told to the workers. */
export function createPoolPublisher(deps: PublishDeps, batcher: string, pool: string): PoolPublisher {
  const turns = new PublishTurns(deps, batcher, pool);
  const loop = createWakeableLoop("publish", () => turns.turn(), deps);
  return {
    ...loop,
    credits: turns.credits,
    views: (lanes) => turns.views(lanes),
    slotsOfPool: () => turns.slotsOfPool(),
    hasIdleSlot: () => turns.slots().idleSlots >= 1,
    async drain() {
      await loop.stop();
      turns.draining = true;
      await turns.turn();
    },
  };
}

class PublishTurns {
  readonly credits = new PoolCredits();
  draining = false;
  readonly #deps: PublishDeps;
  readonly #batcher: string;
  readonly #pool: string;
  #batches = 0;
  #doubtedMs = -Infinity;
  #lookedMs = -Infinity;

  constructor(deps: PublishDeps, batcher: string, pool: string) {
    this.#deps = deps;
    this.#batcher = batcher;
    this.#pool = pool;
  }

  /** Publishes whatever is to leave now; answers when to look again, in milliseconds. */
  async turn(): Promise<number> {
    const { clock, lanes, ledger, serverClock } = this.#deps;
    for (;;) {
      const { slots, idleSlots } = this.slots();
      const nothingRuns = idleSlots >= slots || this.credits.total === 0;
      const marginMsOf = (queue: LaneQueue<LedgerEntry>) =>
        lanes.get(queue.kind.lane)?.pool === this.#pool ? hopelessWithinMs(this.#deps, queue, nothingRuns) : 0;
      const late = ledger.takeLate(serverClock.nowMs(), marginMsOf);
      if (late > 0) this.#deps.lateFound();
      const candidates = this.#candidates();
      const nowMs = clock.monotonicMs();
      const mayLook = nowMs - this.#lookedMs >= LOOK_EVERY_MS;
      if (candidates.length === 0) {
        // How far to read ahead depends on the credits, and the next batch should not have to ask first.
        if (mayLook) await this.#lookAtPool();
        return IDLE_TURN_MS;
      }
      const choice = chooseBatch(candidates, nowMs);
      if (choice.kind === "dispatch" && this.#givesWay(choice.candidate)) await sleep(GIVE_WAY_MS);
      else if (choice.kind === "dispatch") await this.#publish(choice.candidate, choice.decision, nowMs);
      else if (mayLook) await this.#lookAtPool();
      else if (idleSlots >= 1 && choice.untilMs < Infinity) return Math.min(choice.untilMs - nowMs, IDLE_TURN_MS);
      else if (nowMs < this.credits.knownAtMs + CREDIT_LOOK_MS)
        return Math.min(choice.untilMs, this.credits.knownAtMs + CREDIT_LOOK_MS) - nowMs;
      else await this.#lookAtPool();
    }
  }

  /**
   * Whoever hears first of a free credit would get it each time, and Redis tells all in the same order. Where zones meet,
   * each lets the others go first every other time.
   */
  #givesWay({ lane }: BatchCandidate): boolean {
    const { ledger, routes } = this.#deps;
    if (!routes.mayLeave()) return false;
    const meetsOthers = lane.pool !== this.#pool || this.credits.used > ledger.outBatches(this.#pool);
    return meetsOthers && Math.random() < 0.5;
  }

  views(lanes: readonly string[]): LaneView[] {
    const ours = this.#candidates().filter(({ lane }) => lanes.includes(lane.name));
    return ours.map(({ view }) => view);
  }

  #candidates(): BatchCandidate[] {
    const { clock, serverClock } = this.#deps;
    return listCandidates(this.#deps, this.#pool, {
      freeCredits: this.#freeCredits(),
      ...this.slots(),
      draining: this.draining,
      toMonotonicMs: clock.monotonicMs() - serverClock.nowMs(),
    });
  }

  #freeCredits(): number {
    return this.credits.free(this.#deps.ownership.shardRatio(), this.#deps.ledger.outBatches(this.#pool));
  }

  slotsOfPool(): number {
    return this.credits.total / (1 + this.#deps.settings.current().forAll.prefetch);
  }

  slots() {
    const { settings, ownership, ledger } = this.#deps;
    const { prefetch } = settings.current().forAll;
    return this.credits.slots(prefetch, ownership.shardRatio(), ledger.outBatches(this.#pool));
  }

  async #lookAtPool(): Promise<void> {
    const heardBefore = this.credits.finishesHeard;
    const { used, liveSlots, endpoints } = await readPoolUse(this.#deps.redis, this.#pool);
    const credits = liveSlots * (1 + this.#deps.settings.current().forAll.prefetch);
    this.#lookedMs = this.#deps.clock.monotonicMs();
    this.credits.learn({ used, credits }, heardBefore, this.#lookedMs);
    this.credits.learnEndpoints(endpoints);
    if (liveSlots === 0) this.#doubtBatches();
  }

  /** What lies here, or was with a worker that died, is found out to be ready again, and leaves for another zone. */
  #doubtBatches(): void {
    const { clock, ledger, routes, lateFound } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#doubtedMs < DOUBT_EVERY_MS || !routes.mayLeave() || ledger.outBatches(this.#pool) === 0) return;
    this.#doubtedMs = nowMs;
    ledger.doubt(this.#pool, nowMs);
    lateFound();
  }

  async #publish(candidate: BatchCandidate, { size, reason }: Dispatch, nowMs: number): Promise<void> {
    const { queue, lane, settings } = candidate;
    const { redis, ledger, metrics, recent, clock, log } = this.#deps;
    const askAtMs = nowMs + settings.leaseMs + LOOK_UP_MARGIN_MS;
    const publication = {
      batchId: `${this.#batcher}-${this.#pool}-${++this.#batches}`,
      pool: this.#pool,
      publishedMs: nowMs,
      metIdleSlot: this.slots().idleSlots >= 1,
      askAtMs,
    };
    const batch = ledger.publish(queue, size, publication, fillOf(candidate, this.#candidates(), nowMs));
    const notice = noticeOf(batch, { batcher: this.#batcher, lane: lane.name, reason, nowMs });
    const heardBefore = this.credits.finishesHeard;
    let reply: PublishReply;
    try {
      reply = await publishBatch(redis, this.#pool, {
        batchClass: lane.batchClass,
        notice,
        prefetch: settings.prefetch,
      });
    } catch (error) {
      // Perhaps it was published: then its runs are claimed once all the same.
      ledger.takeBack(batch);
      metrics.notPublished(lane, "failed");
      throw error;
    }
    this.credits.learn(reply, heardBefore, clock.monotonicMs());
    if (reply.kind === "no-credit") {
      ledger.takeBack(batch);
      metrics.notPublished(lane, "no-credit");
      return;
    }
    this.#deps.holds.published({ lane: lane.name, pool: this.#pool }, nowMs);
    const published = { size: batch.entries.length, reason, waitMs: notice.waitMs };
    metrics.published(lane, published);
    recent.published(lane.name, published);
    log.debug({ batchId: batch.batchId, lane: lane.name, size: batch.entries.length, reason }, "batch published");
  }
}

type Dispatch = Extract<Decision, { readonly kind: "dispatch" }>;

function noticeOf(
  batch: OutBatch,
  from: { readonly batcher: string; readonly lane: string; readonly reason: BatchReason; readonly nowMs: number },
): Notice {
  const oldestMs = batch.entries.reduce((oldest, entry) => Math.min(oldest, entry.arrivedMs), from.nowMs);
  return {
    batchId: batch.batchId,
    batcher: from.batcher,
    lane: from.lane,
    reason: from.reason,
    waitMs: Math.round(from.nowMs - oldestMs),
    rows: batch.entries.map(({ ref }) => ({ runId: ref.runId, digest: ref.digest, admittedMs: ref.admittedMs })),
  };
}
