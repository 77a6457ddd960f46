/** How often a batcher that waits for a credit looks again: a credit message may be lost. */
export const CREDIT_LOOK_MS = 100;

/** A batcher's share of the slots of a pool. */
export interface SlotShare {
  readonly slots: number;
  /** Tritons among which the slots are; at most as many as slots. */
  readonly endpoints: number;
  readonly idleSlots: number;
}

/**
 * What this batcher believes about the credits of one pool. Only a belief, for the script that publishes checks the
 * truth: it saves vain attempts and keeps a batcher to its share.
 */
export class PoolCredits {
  #total = 0;
  #used = 0;
  #endpoints = 1;
  #knownAtMs = -Infinity;
  #finishesHeard = 0;

  /** Credits of the whole pool: live slots x (1 + prefetch). */
  get total(): number {
    return this.#total;
  }

  /** Notices in the pool, of all batchers. */
  get used(): number {
    return this.#used;
  }

  /**
   * When Redis last told about this pool, monotonic milliseconds; -Infinity: never. Messages do not count: while
   * others finish batch after batch, a batcher that believes in no credits would never ask.
   */
  get knownAtMs(): number {
    return this.#knownAtMs;
  }

  /** How many batches were heard to finish, ever: to be noted before Redis is asked, see `learn`. */
  get finishesHeard(): number {
    return this.#finishesHeard;
  }

  /**
   * Redis told how it is.
   * @param heardBefore `finishesHeard` when it was asked. What was heard since may have overtaken the answer: believing
   * too many credits costs one vain attempt, believing too few lets a slot idle.
   */
  learn(use: { readonly used: number; readonly credits: number }, heardBefore: number, nowMs: number): void {
    this.#total = use.credits;
    this.#used = Math.max(0, use.used - (this.#finishesHeard - heardBefore));
    this.#knownAtMs = nowMs;
  }

  /** Redis told how many Tritons stand behind the slots. */
  learnEndpoints(endpoints: number): void {
    this.#endpoints = endpoints;
  }

  /** What is known may be wrong by now: Redis is asked before the next batch. */
  doubt(): void {
    this.#used = this.#total;
    this.#knownAtMs = -Infinity;
  }

  /** A message told that one batch, of any batcher, is finished. */
  finished(): void {
    this.#finishesHeard++;
    this.#used = Math.max(0, this.#used - 1);
  }

  /**
   * How many batches this batcher may publish now.
   * @param shardRatio its part of the shards, 0..1: its share of the credits follows it, at least one.
   * @param ownOut its batches that are not known to be finished. A lost message leaves one too many, but never more
   * can be out than the pool holds.
   */
  free(shardRatio: number, ownOut: number): number {
    return this.#freeOf(this.#total, shardRatio, ownOut);
  }

  /** This batcher's share of the credits. Rounded up: credits that nobody uses cost more than a refused attempt. */
  share(shardRatio: number): number {
    return Math.max(1, Math.ceil(this.#total * shardRatio));
  }

  /** The same of the slots alone, without what may wait in the pool. */
  slots(prefetch: number, shardRatio: number, ownOut: number): SlotShare {
    const total = this.#total / (1 + prefetch);
    const slots = Math.max(1, Math.ceil(total * shardRatio));
    const endpoints = Math.max(1, Math.min(slots, this.#endpoints));
    return { slots, endpoints, idleSlots: this.#freeOf(total, shardRatio, ownOut) };
  }

  #freeOf(total: number, shardRatio: number, ownOut: number): number {
    const share = Math.max(1, Math.ceil(total * shardRatio));
    return Math.max(0, Math.min(total - this.#used, share - Math.min(ownOut, this.#used)));
  }
}
