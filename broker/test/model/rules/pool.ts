import {
  type BatchClass,
  type CreditMessage,
  decodeNotice,
  encodeCredit,
  keys,
  SLOT_ALIVE_MS,
} from "../../../src/index.js";
import { EntryId, type Expected, isBefore, type Moment, timeOf } from "../unknown.js";
import { createStream, type Entry, type Pool, type Stream, type World } from "../world.js";
import { latin1 } from "./claim.js";
import { readPending, readUndelivered, removeEntry } from "./streams.js";

/** The one pool of these tests. */
export const POOL = "p";
const CLASSES = ["now", "bulk"] as const;
/** After how long a silent slot is taken off the list. */
const SLOT_FORGET_MS = 60_000;

const depthOf = (pool: Pool, batchClass: BatchClass) => pool.notices.get(batchClass)?.entries.length ?? 0;

/** Slots whose last heartbeat is not too old. */
export function liveSlots(world: World, now: Moment): string[] {
  const oldest = timeOf(now).plus(-SLOT_ALIVE_MS);
  return [...world.pool.slots].filter(([, seen]) => !isBefore(seen, oldest)).map(([slot]) => slot);
}

/** Notices of both classes. */
export const countNotices = (world: World): number => depthOf(world.pool, "now") + depthOf(world.pool, "bulk");

/** Publishes a notice while there is a credit. */
export function publish(
  world: World,
  now: Moment,
  batch: { readonly batchClass: BatchClass; readonly payload: string; readonly prefetch: number },
): Expected {
  const credits = liveSlots(world, now).length * (1 + batch.prefetch);
  const used = countNotices(world);
  if (used >= credits) return { kind: "no-credit", used, credits };
  const id = new EntryId();
  const { payload, batchClass } = batch;
  openNotices(world.pool, batchClass).entries.push({ id, fields: ["p", payload], payload, deliveries: 0 });
  return { kind: "published", noticeId: id, used: used + 1, credits };
}

/** Makes the stream of a class, if it is missing. */
export function openNotices(pool: Pool, batchClass: BatchClass): Stream {
  const stream = pool.notices.get(batchClass) ?? createStream();
  pool.notices.set(batchClass, stream);
  return stream;
}

/** What is pending for a slot already, of both classes [R8]. */
export const pullPending = (world: World, slot: string): Expected[] =>
  CLASSES.flatMap((batchClass) => {
    const stream = openNotices(world.pool, batchClass);
    return readPending(stream, slot, 1).map((entry) => pulled(batchClass, entry));
  });

/** New notices, at most one of each class. */
export const pullNew = (world: World, slot: string, classes: readonly BatchClass[]): Expected[] =>
  classes.flatMap((batchClass) => {
    const stream = openNotices(world.pool, batchClass);
    return readUndelivered(stream, slot, 1).map((entry) => pulled(batchClass, entry));
  });

function pulled(batchClass: BatchClass, entry: Entry): Expected {
  return { noticeId: entry.id, batchClass, notice: noticeOf(entry) };
}

const noticeOf = (entry: Entry): Expected =>
  decodeNotice(Buffer.from(entry.payload ?? "", "latin1")) as unknown as Expected;

/** Takes a notice away, if it is still pending for this slot. */
export function finish(
  world: World,
  end: {
    readonly batchClass: BatchClass;
    readonly slot: string;
    readonly noticeId: string;
    readonly message: CreditMessage;
  },
): Expected {
  const stream = world.pool.notices.get(end.batchClass);
  const entry = stream?.entries.find(({ id }) => id.text === end.noticeId);
  if (entry?.consumer !== end.slot) return "stale";
  removeEntry(stream, entry.id);
  world.messages.push({ channel: keys.credits(POOL), text: latin1(encodeCredit(end.message)) });
  return "finished";
}

/** Slots say that they are alive; new ones are told to the batchers, silent ones forgotten. */
export function heartbeat(world: World, now: Moment, slots: readonly string[]): void {
  const known = world.pool.slots;
  const fresh = slots.filter((slot) => !known.has(slot)).length;
  for (const slot of slots) known.set(slot, timeOf(now));
  const horizon = timeOf(now).plus(-SLOT_FORGET_MS);
  for (const [slot, seen] of known) if (isBefore(seen, horizon)) known.delete(slot);
  if (fresh === 0) return;
  const message = latin1(encodeCredit({ batchId: "", serviceMs: 0, unsettled: [] }));
  world.messages.push({ channel: keys.credits(POOL), text: message });
}

/** Notices that are pending for slots that are not alive. */
export function findDead(world: World, now: Moment): Expected[] {
  const live = liveSlots(world, now);
  return CLASSES.flatMap((batchClass) =>
    (world.pool.notices.get(batchClass)?.entries ?? [])
      .filter(({ consumer }) => consumer !== undefined && !live.includes(consumer))
      .map((entry) => ({ noticeId: entry.id, batchClass, slot: entry.consumer, notice: noticeOf(entry) })),
  );
}
