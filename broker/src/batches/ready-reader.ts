import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import { createBlockingConnection } from "../redis/blocking-connection.js";
import type { RedisClient } from "../redis/connect.js";
import type { RedisTarget } from "../redis/redis-target.js";
import { buryEntriesScript } from "../scripts/bury-entries.js";
import { asList, asText } from "../scripts/parse-reply.js";
import type { Reply } from "../scripts/define-script.js";
import { dropIdleConsumersScript } from "../scripts/drop-idle-consumers.js";
import { encodeFailure } from "../tasks/outcome.js";
import { openLane, type ReadyStream } from "./ready-lanes.js";
import { parseReadyEntry, type Ref } from "./ref.js";
import { sendToGroup } from "./send-to-group.js";

/** How much of an entry that cannot be read is kept, for whoever looks for its origin. */
const MAX_BURIED_BYTES = 1_024;

/** A blocking read loop over some ready streams, with a connection of its own. */
export interface ReadyReader {
  /**
   * New references, at most `count` per stream, oldest first within a stream; empty after `blockMs`. They are pending
   * for `consumer` from then on. On a Cluster all streams of one call must be of one shard.
   * @throws BrokerError storage-unavailable; what the lost reply held is found again by `sweepPending`.
   */
  read(streams: readonly ReadyStream[], count: number, blockMs: number): Promise<Ref[]>;
  close(): void;
}

/** @param consumer the batcher's name, new at every boot. */
export function createReadyReader(
  target: RedisTarget,
  redis: RedisClient,
  consumer: string,
  shard: number,
): ReadyReader {
  const connection = createBlockingConnection(target, redis, keys.owner(shard));
  const known = new Set<string>();
  const openLanes = async (streams: readonly ReadyStream[]) => {
    const missing = streams.filter(({ shard, lane }) => !known.has(keys.ready(shard, lane)));
    await Promise.all(missing.map((stream) => openLane(redis, stream)));
    for (const { shard, lane } of missing) known.add(keys.ready(shard, lane));
  };
  return {
    async read(streams, count, blockMs) {
      const names = streams.map((stream) => keys.ready(stream.shard, stream.lane));
      await openLanes(streams);
      const args = ["XREADGROUP", "GROUP", "batchers", consumer, "COUNT", count, "BLOCK", blockMs, "STREAMS"];
      try {
        const reply = await connection.call([...args, ...names, ...names.map(() => ">")], blockMs);
        return parseStreams(reply, streams, names);
      } catch (error) {
        // A stream or group may have been deleted: it is made again, at 0, before the next read.
        known.clear();
        throw error;
      }
    },
    close: () => connection.close(),
  };
}

function parseStreams(reply: Reply, streams: readonly ReadyStream[], names: readonly string[]): Ref[] {
  if (reply === null) return [];
  const refs: Ref[] = [];
  for (const item of asList(reply)) {
    const [name, entries] = asList(item);
    const stream = streams[names.indexOf(asText(name))];
    if (stream === undefined) throw new BrokerError("internal", "Redis answered for a stream that was not asked for");
    for (const entry of asList(entries)) {
      const ref = parseReadyEntry(stream.lane, entry);
      // What is malformed, or of another shard, stays pending, and the next walk finds it.
      if (typeof ref === "object" && ref.shard === stream.shard) refs.push(ref);
    }
  }
  return refs;
}

/** What a walk over the pending entries of a ready stream found. */
export interface PendingEntries {
  readonly refs: readonly Ref[];
  /** Ids of entries that no version of Sluice wrote. */
  readonly malformed: readonly string[];
}

/**
 * References that are pending in a ready stream and that the owner does not have in memory [R3, R4]: those pending
 * for anybody else (dead or alive: ownership decides, not idle time) and its own whose reply was lost. All become
 * pending for `consumer`.
 * @throws BrokerError storage-unavailable
 */
export async function sweepPending(
  redis: RedisClient,
  stream: ReadyStream,
  consumer: string,
  isKnown: (entryId: string) => boolean,
): Promise<PendingEntries> {
  const key = keys.ready(stream.shard, stream.lane);
  const refs: Ref[] = [];
  const malformed: string[] = [];
  const pageSize = 500;
  for (let from = "-"; ;) {
    const page = asList(await sendToGroup(redis, "xpending", key, "batchers", from, "+", pageSize)).map(asList);
    const wanted = page
      .filter(([id, owner]) => asText(owner) !== consumer || !isKnown(asText(id)))
      .map(([id]) => asText(id));
    if (wanted.length > 0) {
      const claimed = asList(await sendToGroup(redis, "xclaim", key, "batchers", consumer, 0, ...wanted));
      for (const entry of claimed) {
        const ref = parseReadyEntry(stream.lane, entry);
        if (ref === "malformed" || (ref && ref.shard !== stream.shard)) malformed.push(asText(asList(entry)[0]));
        else if (ref) refs.push(ref);
      }
    }
    const last = page.at(-1)?.[0];
    if (page.length < pageSize || last === undefined) return { refs, malformed };
    from = `(${asText(last)}`;
  }
}

/**
 * New references of one stream, at most `count`, without waiting for any. They are pending for `consumer` from then on.
 * @throws BrokerError storage-unavailable
 */
export async function readNew(
  redis: RedisClient,
  stream: ReadyStream,
  consumer: string,
  count: number,
): Promise<Ref[]> {
  const key = keys.ready(stream.shard, stream.lane);
  const args = ["GROUP", "batchers", consumer, "COUNT", count, "STREAMS", key, ">"];
  return parseStreams(await sendToGroup(redis, "xreadgroup", ...args), [stream], [key]);
}

/**
 * Moves entries that cannot be read to the shard's dead letters, with the reason: nothing else would ever take them
 * away.
 * @returns how many it moved. @throws BrokerError storage-unavailable
 */
export async function buryEntries(
  redis: RedisClient,
  { shard, lane }: ReadyStream,
  entryIds: readonly string[],
): Promise<number> {
  if (entryIds.length === 0) return 0;
  const failure = encodeFailure({ code: "entry-malformed", message: "an entry of a ready stream cannot be read" });
  return await buryEntriesScript.run(
    redis,
    { ready: keys.ready(shard, lane), dead: keys.dead(shard) },
    { lane, reason: "entry-malformed", error: failure, maxBytes: MAX_BURIED_BYTES, "entryId...": entryIds },
  );
}

/** Forgets consumers without pending entries that have been silent for `idleMs`: batchers that are gone. */
export async function dropIdleBatchers(redis: RedisClient, stream: ReadyStream, idleMs: number): Promise<number> {
  const key = keys.ready(stream.shard, stream.lane);
  return await dropIdleConsumersScript.run(redis, { stream: key }, { group: "batchers", idleMs });
}
