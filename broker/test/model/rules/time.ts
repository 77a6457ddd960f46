import { isBefore, type Moment, Time, timeOf } from "../unknown.js";
import type { World } from "../world.js";

/**
 * Time passes: every time that lies in a key moves into the past, and what its time to live has ended for is
 * forgotten. Entries of streams stay as they are, for nothing in Redis reads the times in them.
 */
export function pass(world: World, now: Moment, ms: number): World {
  const passed = shift(world, ms) as World;
  const keep = <Key>(map: Map<Key, { expires?: Time }>) => forget(map, now);
  for (const shard of passed.shards.values()) {
    keep(shard.tasks);
    keep(shard.runs);
    keep(shard.digests);
    if (shard.owner && isBefore(shard.owner.expires, timeOf(now))) delete shard.owner;
  }
  keep(passed.idempotency);
  return passed;
}

function forget<Key>(map: Map<Key, { expires?: Time }>, now: Moment): void {
  for (const [key, { expires }] of map) if (expires && isBefore(expires, timeOf(now))) map.delete(key);
}

/** A copy in which every time outside of stream entries is `ms` earlier. */
function shift(value: unknown, ms: number): unknown {
  if (value instanceof Time) return value.plus(-ms);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [key, shift(inner, ms)]));
  if (value instanceof Set) return new Set(value);
  if (Array.isArray(value)) return value.map((inner) => shift(inner, ms));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entry = "deliveries" in value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, entry ? inner : shift(inner, ms)]));
}
