import {
  type BatchReason,
  type Clock,
  type LiveSettings,
  type Notice,
  publishBatch,
  type PublishReply,
  readPoolUse,
  type RedisClient,
  type Settings,
} from "@sluice/broker";
import type { Logger } from "pino";
import { chooseBatch } from "./choose-batch.js";
import type { Decision, LaneView } from "./decide.js";
import type { LaneDirectory, ServedLane } from "./lane-directory.js";
import type { LaneQueue } from "./lane-queue.js";
import type { LaneHolds } from "./lane-holds.js";
import type { Ledger, LedgerEntry, OutBatch } from "./ledger.js";
import { LOOK_UP_MARGIN_MS } from "./look-up-loop.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import type { Ownership } from "./ownership.js";
import { CREDIT_LOOK_MS, PoolCredits } from "./pool-credits.js";
import type { ServerClock } from "./server-clock.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

/** It takes a turn so often even if nothing happens, so that a loop that hangs can be told from one that has no work. */
const IDLE_TURN_MS = 1_000;

/** What a publisher needs. */
export interface PublishDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly lanes: LaneDirectory;
  readonly ledger: Ledger;
  readonly holds: LaneHolds;
  readonly settings: LiveSettings;
  readonly ownership: Ownership;
  readonly metrics: BatcherMetrics;
  /** References look late and are to be asked about. */
  readonly lateFound: () => void;
}

/** Publishes the batches of one pool. Woken by arrivals and credits. */
export interface PoolPublisher extends WakeableLoop {
  readonly credits: PoolCredits;
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

  constructor(deps: PublishDeps, batcher: string, pool: string) {
    this.#deps = deps;
    this.#batcher = batcher;
    this.#pool = pool;
  }

  /** Publishes whatever is to leave now; answers when to look again, in milliseconds. */
  async turn(): Promise<number> {
    const { clock, ledger, serverClock } = this.#deps;
    for (;;) {
      if (ledger.takeLate(serverClock.nowMs()) > 0) this.#deps.lateFound();
      const candidates = this.#candidates();
      const nowMs = clock.monotonicMs();
      if (candidates.length === 0) {
        // How far to read ahead depends on the credits, and the next batch should not have to ask first.
        if (nowMs - this.credits.knownAtMs >= IDLE_TURN_MS) await this.#lookAtPool();
        return IDLE_TURN_MS;
      }
      const choice = chooseBatch(candidates, nowMs);
      if (choice.kind === "dispatch") await this.#publish(choice.candidate, choice.decision, nowMs);
      else if (this.#freeCredits() >= 1) return Math.min(choice.untilMs - nowMs, IDLE_TURN_MS);
      else if (nowMs < this.credits.knownAtMs + CREDIT_LOOK_MS) return this.credits.knownAtMs + CREDIT_LOOK_MS - nowMs;
      else await this.#lookAtPool();
    }
  }

  #candidates(): Candidate[] {
    const freeCredits = this.#freeCredits();
    const { lanes, ledger, holds } = this.#deps;
    return ledger.queues().flatMap((queue) => {
      const lane = lanes.get(queue.kind.lane);
      if (lane?.pool !== this.#pool) return [];
      const settings = lanes.settingsOf(lane);
      const view = {
        policy: { kind: settings.batchMode },
        batchClass: lane.batchClass,
        count: queue.count,
        cost: queue.cost,
        oldestArrivedMs: queue.oldestArrivedMs,
        freeCredits,
        maxSize: lanes.maxSizeOf(lane),
        maxWaitMs: settings.batchMaxWaitMs,
        solo: queue.kind.solo,
        draining: this.draining,
      };
      return [{ queue, lane, settings, view, heldUntilMs: holds.untilMs(lane.name) }];
    });
  }

  #freeCredits(): number {
    return this.credits.free(this.#deps.ownership.shardRatio(), this.#deps.ledger.outBatches(this.#pool));
  }

  async #lookAtPool(): Promise<void> {
    const heardBefore = this.credits.finishesHeard;
    const { used, liveSlots } = await readPoolUse(this.#deps.redis, this.#pool);
    const credits = liveSlots * (1 + this.#deps.settings.current().forAll.prefetch);
    this.credits.learn({ used, credits }, heardBefore, this.#deps.clock.monotonicMs());
  }

  async #publish({ queue, lane, settings }: Candidate, { size, reason }: Dispatch, nowMs: number): Promise<void> {
    const { redis, ledger, metrics, clock, log } = this.#deps;
    const askAtMs = nowMs + settings.leaseMs + LOOK_UP_MARGIN_MS;
    const batch = ledger.publish(queue, size, {
      batchId: `${this.#batcher}-${this.#pool}-${++this.#batches}`,
      pool: this.#pool,
      publishedMs: nowMs,
      askAtMs,
    });
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
    this.#deps.holds.published(lane.name, nowMs);
    metrics.published(lane, { size: batch.entries.length, reason, waitMs: notice.waitMs });
    log.debug({ batchId: batch.batchId, lane: lane.name, size: batch.entries.length, reason }, "batch published");
  }
}

type Dispatch = Extract<Decision, { readonly kind: "dispatch" }>;

interface Candidate {
  readonly queue: LaneQueue<LedgerEntry>;
  readonly lane: ServedLane;
  readonly settings: Settings;
  readonly view: LaneView;
  readonly heldUntilMs: number;
}

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
