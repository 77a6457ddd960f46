import { createHash } from "node:crypto";
import { SHARD_COUNT } from "@sluice/broker";

/** Whether a batcher looks after a zone that is not its own, by its name. */
export function isGuest(batcher: string): boolean {
  return batcher.startsWith(GUEST_PREFIX);
}

/** What names of guests begin with; others begin with `b`. */
export const GUEST_PREFIX = "guest-";

/**
 * The shards that fall to `batcher` when these batchers live: each shard goes to the name with the highest hash of
 * name and shard (rendezvous hashing). All batchers come to the same answer without talking to each other, and a
 * batcher that comes or goes moves only the shards that it takes or leaves. Guests get some only where all are guests.
 */
export function wantedShards(batcher: string, liveBatchers: readonly string[]): ReadonlySet<number> {
  const all = new Set([...liveBatchers, batcher]);
  const hosts = [...all].filter((name) => !isGuest(name));
  if (hosts.length > 0 && isGuest(batcher)) return new Set();
  const names = hosts.length > 0 ? hosts : all;
  const wanted = new Set<number>();
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    const own = weight(batcher, shard);
    const beaten = [...names].some((name) => name !== batcher && beats(name, weight(name, shard), batcher, own));
    if (!beaten) wanted.add(shard);
  }
  return wanted;
}

/** Equal weights (48 bits) practically never meet; the name decides, so that exactly one batcher wants the shard. */
function beats(name: string, weightOfName: number, other: string, weightOfOther: number): boolean {
  return weightOfName === weightOfOther ? name > other : weightOfName > weightOfOther;
}

function weight(batcher: string, shard: number): number {
  return createHash("sha256").update(`${batcher} ${shard}`).digest().readUIntBE(0, 6);
}
