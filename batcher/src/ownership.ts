import {
  announceBatcher,
  type Clock,
  type OwnShardReply,
  ownShard,
  type RedisClient,
  removeBatcher,
  SHARD_COUNT,
  SHARD_LEASE_MS,
  type ZoneBatcher,
} from "@sluice/broker";
import type { Logger } from "pino";
import { type LoopHealth } from "./loop-health.js";
import { wantedShards } from "./rendezvous.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

//          owned | acquired               swept                 not wanted any more         one turn later
// (none) ──────────────────▶ taken over ─────────▶ serving ────────────────────────▶ leaving ────────────▶ (none)
//    ▲                                                                                               release
//    └── from every state: the shard is another's, or its lease could not be renewed in time ──
//
// taken over: what is pending in its streams is claimed before anything new is read. leaving: nothing new is read,
// what is known is still published; it takes one turn, so that a read that is under way ends before the release.

const TURN_MS = 1_000;
const LEASE_CHECK_MS = 250;
const SHARDS: readonly number[] = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

interface HeldShard {
  phase: "taken over" | "serving" | "leaving";
  /** The end of the lease at the earliest, monotonic: counted from before the renewal was sent. */
  leaseEndsMs: number;
}

/** What the shards' comings and goings set off. */
export interface OwnershipEvents {
  acquired(shard: number): void;
  /** Everything known of the shard is to be forgotten, now. */
  lost(shard: number): void;
  /** `serving` is another list now. */
  changed(): void;
}

/** The shards that belong to this batcher by lease. */
export interface Ownership extends WakeableLoop {
  /** All shards for which this batcher acts. */
  owned(): readonly number[];
  /** Shards of which it reads new references. */
  serving(): readonly number[];
  owns(shard: number): boolean;
  /** This batcher's part of all shards, 0..1. */
  shardRatio(): number;
  /** The pending references of a shard that was taken over are in memory: it may be read. */
  swept(shard: number): void;
  /** Gives everything up, so that others need not wait for leases to end. Call it after `stop`. */
  releaseAll(): Promise<void>;
}

/**
 * Keeps the leases of the shards that fall to this batcher, about once a second: of the part of each shard that is its
 * zone's. Guests want none while a batcher of the zone lives.
 */
export function createOwnership(
  deps: {
    readonly redis: RedisClient;
    readonly clock: Clock;
    readonly log: Logger;
    readonly health: LoopHealth;
    readonly events: OwnershipEvents;
  },
  batcher: ZoneBatcher,
): Ownership {
  const shards = new ShardLeases(deps, batcher);
  const loop = createWakeableLoop("ownership", () => shards.turn(), deps);
  let leaseCheck: NodeJS.Timeout | undefined;
  return {
    async start() {
      leaseCheck = setInterval(() => shards.resignOverdue(), LEASE_CHECK_MS);
      await loop.start();
    },
    async stop() {
      clearInterval(leaseCheck);
      await loop.stop();
    },
    wake: () => loop.wake(),
    owned: () => shards.owned,
    serving: () => shards.serving,
    owns: (shard) => shards.has(shard),
    shardRatio: () => shards.owned.length / SHARD_COUNT,
    swept: (shard) => shards.swept(shard),
    releaseAll: () => shards.releaseAll(),
  };
}

type LeaseDeps = Parameters<typeof createOwnership>[0];

class ShardLeases {
  readonly #deps: LeaseDeps;
  readonly #batcher: ZoneBatcher;
  readonly #held = new Map<number, HeldShard>();
  readonly #underWay = new Set<number>();
  #live: readonly string[] | undefined;
  #owned: readonly number[] = [];
  #serving: readonly number[] = [];

  constructor(deps: LeaseDeps, batcher: ZoneBatcher) {
    this.#deps = deps;
    this.#batcher = batcher;
  }

  /**
   * Waits at most one turn's time for any shard: a master that is down costs its own shards only, and the leases of
   * the others go on being renewed. While the list of batchers cannot be read, the last one counts.
   */
  async turn(): Promise<number> {
    const errors = await settledWithin(TURN_MS, [this.#announce()]);
    if (this.#live) {
      const wanted = wantedShards(this.#batcher.batcher, this.#live);
      const free = SHARDS.filter((shard) => !this.#underWay.has(shard));
      errors.push(
        ...(await settledWithin(
          TURN_MS,
          free.map((shard) => this.#renew(shard, wanted.has(shard))),
        )),
      );
    }
    if (errors.length > 0) throw errors[0];
    return TURN_MS;
  }

  get owned(): readonly number[] {
    return this.#owned;
  }

  get serving(): readonly number[] {
    return this.#serving;
  }

  has(shard: number): boolean {
    return this.#held.has(shard);
  }

  swept(shard: number): void {
    const held = this.#held.get(shard);
    if (held?.phase === "taken over") this.#enter(held, "serving");
  }

  /** A batcher that cannot renew must not act as the owner any longer: somebody else may be. */
  resignOverdue(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [shard, held] of [...this.#held]) if (nowMs >= held.leaseEndsMs) this.#lose(shard, "lease not renewed");
  }

  async releaseAll(): Promise<void> {
    // Off the list first: whoever sees a free shard then wants it.
    await removeBatcher(this.#deps.redis, this.#batcher);
    await Promise.all(SHARDS.map((shard) => ownShard(this.#deps.redis, shard, this.#batcher, false)));
    for (const shard of this.#owned) this.#lose(shard, "released");
  }

  async #announce(): Promise<void> {
    this.#live = await announceBatcher(this.#deps.redis, this.#batcher);
  }

  async #renew(shard: number, wanted: boolean): Promise<void> {
    const held = this.#held.get(shard);
    const keep = wanted || (held !== undefined && held.phase !== "leaving");
    if (held && !keep) this.#lose(shard, "released");
    else if (held && !wanted) this.#enter(held, "leaving");
    else if (held?.phase === "leaving") {
      this.#enter(held, "taken over");
      this.#deps.events.acquired(shard);
    }
    const leaseEndsMs = this.#deps.clock.monotonicMs() + SHARD_LEASE_MS;
    this.#underWay.add(shard);
    try {
      this.#hear(shard, await ownShard(this.#deps.redis, shard, this.#batcher, keep), leaseEndsMs);
    } finally {
      this.#underWay.delete(shard);
    }
  }

  #hear(shard: number, reply: OwnShardReply, leaseEndsMs: number): void {
    const held = this.#held.get(shard);
    if (reply.kind === "owned" && held) held.leaseEndsMs = leaseEndsMs;
    else if (reply.kind === "owned" || reply.kind === "acquired") this.#takeOver(shard, leaseEndsMs);
    else if (held) this.#lose(shard, reply.kind === "other" ? `now ${reply.batcher}'s` : reply.kind);
  }

  #takeOver(shard: number, leaseEndsMs: number): void {
    // Acquired although held: the lease had ended, and somebody else may have owned it in between.
    if (this.#held.has(shard)) this.#lose(shard, "lease ended");
    this.#held.set(shard, { phase: "taken over", leaseEndsMs });
    this.#changed();
    this.#deps.log.info({ shard }, "shard taken over");
    this.#deps.events.acquired(shard);
  }

  #lose(shard: number, why: string): void {
    if (!this.#held.delete(shard)) return;
    this.#deps.log.info({ shard, why }, "shard given up");
    this.#deps.events.lost(shard);
    this.#changed();
  }

  #enter(held: HeldShard, phase: HeldShard["phase"]): void {
    held.phase = phase;
    this.#changed();
  }

  #changed(): void {
    this.#owned = [...this.#held.keys()];
    this.#serving = this.#owned.filter((shard) => this.#held.get(shard)?.phase === "serving");
    this.#deps.events.changed();
  }
}

/** Waits until all are settled, at most `limitMs`; gives the errors there have been by then. */
async function settledWithin(limitMs: number, promises: readonly Promise<void>[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  const all = Promise.all(promises.map((promise) => promise.catch((error: unknown) => errors.push(error))));
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, limitMs)));
  await Promise.race([all, limit]);
  clearTimeout(timer);
  return errors;
}
