import { Between, EntryId } from "../unknown.js";
import type { Entry, Run, Shard, Stream } from "../world.js";

/** XREADGROUP `>`: the first entries that nobody has got. */
export function readUndelivered(stream: Stream, consumer: string, count: number): Entry[] {
  const entries = stream.entries.filter((entry) => entry.consumer === undefined).slice(0, count);
  deliver(stream, consumer, entries);
  const last = entries.at(-1);
  if (last) stream.lastDelivered = last.id;
  return entries;
}

/** XREADGROUP `0`: what is pending for the consumer already, once more. */
export function readPending(stream: Stream, consumer: string, count: number): Entry[] {
  const entries = stream.entries.filter((entry) => entry.consumer === consumer).slice(0, count);
  deliver(stream, consumer, entries);
  return entries;
}

/** XCLAIM of entries that are pending, for whomever. */
export function claimPending(stream: Stream, consumer: string, entryIds: readonly EntryId[]): Entry[] {
  const wanted = new Set(entryIds);
  const entries = stream.entries.filter((entry) => wanted.has(entry.id) && entry.consumer !== undefined);
  deliver(stream, consumer, entries);
  return entries;
}

function deliver(stream: Stream, consumer: string, entries: readonly Entry[]): void {
  for (const entry of entries) {
    entry.consumer = consumer;
    entry.deliveries++;
  }
  if (entries.length > 0) stream.consumers.set(consumer, "sure");
  else if (!stream.consumers.has(consumer)) stream.consumers.set(consumer, "maybe");
}

/** XACK + XDEL. */
export function removeEntry(stream: Stream | undefined, id: EntryId): Entry | undefined {
  const index = stream?.entries.findIndex((entry) => entry.id === id) ?? -1;
  return index < 0 ? undefined : stream?.entries.splice(index, 1)[0];
}

/** Ends custody: the entries of a run go, in whichever lanes they are [R11]. */
export function removeEntries(shard: Shard, run: Run): void {
  removeEntry(shard.ready.get(run.lane), run.entry);
  if (run.now) removeEntry(shard.ready.get(run.now.lane), run.now.entry);
}

/** Consumers that hold nothing are forgotten, if they count as idle; how many. */
export function dropConsumers(stream: Stream, idle: boolean): Between {
  const holders = new Set(stream.entries.map((entry) => entry.consumer));
  const idlers = [...stream.consumers].filter(([consumer]) => idle && !holders.has(consumer));
  for (const [consumer] of idlers) stream.consumers.delete(consumer);
  return new Between(idlers.filter(([, existence]) => existence === "sure").length, idlers.length);
}
