import { keys } from "../keys.js";
import type { BatchClass } from "../lane.js";
import type { RedisClient } from "../redis/connect.js";
import { dropIdleConsumersScript } from "../scripts/drop-idle-consumers.js";
import { heartbeatScript } from "../scripts/heartbeat.js";
import { liveSlotsScript } from "../scripts/live-slots.js";
import { asList, asText } from "../scripts/parse-reply.js";
import { decodeNotice, encodeCredit, type Notice } from "./notice.js";
import { SLOT_ALIVE_MS, SLOT_FORGET_MS } from "./protocol-limits.js";
import { sendToGroup } from "./send-to-group.js";
import { countEndpoints } from "./slot-name.js";
import { finishBatch, unclaimRuns } from "./worker-custody.js";

/** Says that these slots are alive. @throws BrokerError storage-unavailable */
export async function heartbeatSlots(redis: RedisClient, pool: string, slots: readonly string[]): Promise<void> {
  const message = encodeCredit({ batchId: "", serviceMs: 0, unsettled: [] });
  const args = { channel: keys.credits(pool), message, forgetMs: SLOT_FORGET_MS, "slot...": slots };
  await heartbeatScript.run(redis, { slots: keys.slots(pool) }, args);
}

/** Takes slots off the list at a clean stop. */
export async function removeSlots(redis: RedisClient, pool: string, slots: readonly string[]): Promise<void> {
  await redis.zrem(keys.slots(pool), ...slots);
}

/** How many slots are alive now, by the server's clock. */
export async function countLiveSlots(redis: RedisClient, pool: string): Promise<number> {
  return (await liveSlots(redis, pool)).size;
}

/** How busy a pool is, as the script that publishes would see it. */
export interface PoolUse {
  readonly liveSlots: number;
  /** Tritons that these slots stand for. */
  readonly endpoints: number;
  /** Notices of both classes. */
  readonly used: number;
}

/** @throws BrokerError storage-unavailable, or the Redis error */
export async function readPoolUse(redis: RedisClient, pool: string): Promise<PoolUse> {
  const [slots, now, bulk] = await Promise.all([
    liveSlots(redis, pool),
    redis.xlen(keys.notices(pool, "now")),
    redis.xlen(keys.notices(pool, "bulk")),
  ]);
  return { liveSlots: slots.size, endpoints: countEndpoints(slots), used: now + bulk };
}

async function liveSlots(redis: RedisClient, pool: string): Promise<Set<string>> {
  return new Set(await liveSlotsScript.run(redis, { slots: keys.slots(pool) }, { aliveMs: SLOT_ALIVE_MS }));
}

/** A notice that is pending for a slot that died. */
export interface DeadNotice {
  readonly noticeId: string;
  readonly batchClass: BatchClass;
  readonly slot: string;
  /** Undefined if it cannot be read. */
  readonly notice: Notice | undefined;
}

/**
 * Notices that nobody will finish, because their slots are silent. What is pending is read before the live slots: a
 * slot is on that list before it pulls, so one that joins in between is never taken for dead.
 * @throws BrokerError storage-unavailable, or the Redis error
 */
export async function findDeadNotices(redis: RedisClient, pool: string): Promise<DeadNotice[]> {
  const held = [...(await heldNotices(redis, pool, "now")), ...(await heldNotices(redis, pool, "bulk"))];
  const live = await liveSlots(redis, pool);
  const dead: DeadNotice[] = [];
  for (const { noticeId, batchClass, slot } of held) {
    if (live.has(slot)) continue;
    const [entry] = await redis.xrangeBuffer(keys.notices(pool, batchClass), noticeId, noticeId);
    const payload = entry?.[1][1];
    dead.push({
      noticeId,
      batchClass,
      slot,
      notice: payload === undefined ? undefined : decodeNotice(payload),
    });
  }
  return dead;
}

/** The notices of one class that are with a slot. */
async function heldNotices(redis: RedisClient, pool: string, batchClass: BatchClass) {
  const stream = keys.notices(pool, batchClass);
  // Credits bound how many notices there are; one page holds them all.
  const pending = asList(await sendToGroup(redis, "xpending", stream, "workers", "-", "+", "10000")).map(asList);
  return pending.map(([id, consumer]) => ({ noticeId: asText(id), batchClass, slot: asText(consumer) }));
}

/**
 * Ends the leases that a dead slot held for this batch (counted as deaths), takes its notice away and tells the
 * batchers, so that the runs return to their lanes. Harmless when two batchers do it, or when the slot wakes up.
 * @throws BrokerError storage-unavailable
 */
export async function reclaimDeadNotice(redis: RedisClient, pool: string, dead: DeadNotice): Promise<void> {
  const { notice, slot, noticeId, batchClass } = dead;
  const runIds = notice?.rows.map((row) => row.runId) ?? [];
  const batchId = notice?.batchId ?? "";
  await unclaimRuns(redis, runIds, { slot, batchId, kind: "died" });
  const unsettled = runIds.map((runId) => ({ runId, why: "unknown" as const }));
  await finishBatch(redis, pool, { batchClass, slot, noticeId, message: { batchId, serviceMs: 0, unsettled } });
}

/**
 * Forgets consumers of both notice streams that have been silent for `idleMs` and hold nothing: slots that are gone. One
 * that is alive all the same, because its endpoint is down, is made again when it pulls.
 * @returns how many. @throws BrokerError storage-unavailable
 */
export async function dropIdleSlots(redis: RedisClient, pool: string, idleMs: number): Promise<number> {
  let dropped = 0;
  for (const batchClass of ["now", "bulk"] as const) {
    const stream = keys.notices(pool, batchClass);
    dropped += await dropIdleConsumersScript.run(redis, { stream }, { group: "workers", idleMs });
  }
  return dropped;
}
