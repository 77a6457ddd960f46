import { SHARD_COUNT } from "@sluice/broker";

/** What was seen of a shard so long ago, milliseconds, is no better than what batchers tell. */
const FRESH_MS = 500;

interface Sight {
  readonly depth: number;
  readonly seenMs: number;
}

/**
 * How many runs are open in each lane, shard by shard, as admissions saw it: those that were refused too. Under load it
 * is milliseconds old where what batchers tell is up to a second old, and it has what other apis admitted. Pure.
 */
export class LaneDepths {
  readonly #lanes = new Map<string, Map<number, Sight>>();

  /** @param nowMs monotonic. */
  saw(lane: string, shard: number, depth: number, nowMs: number): void {
    const shards = this.#lanes.get(lane) ?? new Map<number, Sight>();
    this.#lanes.set(lane, shards);
    shards.set(shard, { depth, seenMs: nowMs });
  }

  /** Open runs of all shards. @param told by the batchers: shards that nobody has seen lately have a mean part of it. */
  openRuns(lane: string, told: number, nowMs: number): number {
    let seen = 0;
    let sum = 0;
    for (const { depth, seenMs } of this.#lanes.get(lane)?.values() ?? []) {
      if (nowMs - seenMs >= FRESH_MS) continue;
      seen++;
      sum += depth;
    }
    return sum + ((SHARD_COUNT - seen) / SHARD_COUNT) * told;
  }
}
