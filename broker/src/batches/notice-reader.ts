import { keys } from "../keys.js";
import type { BatchClass } from "../lane.js";
import { createBlockingConnection } from "../redis/blocking-connection.js";
import type { RedisClient } from "../redis/connect.js";
import type { RedisTarget } from "../redis/redis-target.js";
import type { Reply } from "../scripts/define-script.js";
import { ensureGroupScript } from "../scripts/ensure-group.js";
import { asBytes, asList, asText } from "../scripts/parse-reply.js";
import { decodeNotice, type Notice } from "./notice.js";

/** A notice in the hands of a slot, until `finishBatch`. */
export interface PulledNotice {
  readonly noticeId: string;
  readonly batchClass: BatchClass;
  /** Undefined if it cannot be read: finish it; its runs are found by look-up. */
  readonly notice: Notice | undefined;
}

/** The read loop of one worker slot. */
export interface NoticeReader {
  /**
   * The next notices: first any that are pending for this slot already, for a reply may have been lost [R8]; else
   * new ones, at most one of each class; empty after `blockMs`.
   * @throws BrokerError storage-unavailable
   */
  pull(classes: readonly BatchClass[], blockMs: number): Promise<PulledNotice[]>;
  close(): void;
}

/** @param slot the slot's name, new at every boot: nobody else's notices can be pending for it. */
export function createNoticeReader(target: RedisTarget, redis: RedisClient, pool: string, slot: string): NoticeReader {
  const connection = createBlockingConnection(target, redis, keys.slots(pool));
  let sure = false;
  const read = async (classes: readonly BatchClass[], from: "0" | ">", blockMs: number) => {
    const streams = classes.map((batchClass) => keys.notices(pool, batchClass));
    const block = from === ">" ? ["BLOCK", blockMs] : [];
    const args = ["XREADGROUP", "GROUP", "workers", slot, "COUNT", 1, ...block, "STREAMS", ...streams];
    return parseNotices(await connection.call([...args, ...streams.map(() => from)], blockMs), classes, streams);
  };
  return {
    async pull(classes, blockMs) {
      try {
        if (!sure) {
          for (const batchClass of ["now", "bulk"]) {
            await ensureGroupScript.run(redis, { stream: keys.notices(pool, batchClass) }, { group: "workers" });
          }
          const lost = await read(["now", "bulk"], "0", 0);
          if (lost.length > 0) return lost;
          sure = true;
        }
        return await read(classes, ">", blockMs);
      } catch (error) {
        sure = false;
        throw error;
      }
    },
    close: () => connection.close(),
  };
}

function parseNotices(reply: Reply, classes: readonly BatchClass[], streams: readonly string[]): PulledNotice[] {
  if (reply === null) return [];
  return asList(reply).flatMap((item) => {
    const [stream, entries] = asList(item);
    const batchClass = classes[streams.indexOf(asText(stream))] ?? "now";
    return asList(entries).map((entry) => {
      const [id, fields] = asList(entry);
      // [field, value]; null for an entry that was deleted while it was pending.
      const payload = Array.isArray(fields) ? asList(fields)[1] : undefined;
      const notice = payload === undefined ? undefined : decodeNotice(asBytes(payload));
      return { noticeId: asText(id), batchClass, notice };
    });
  });
}
