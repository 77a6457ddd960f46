import {
  createPoller,
  HEARTBEAT_MS,
  heartbeatSlots,
  type RedisClient,
  removeSlots,
  type Service,
} from "@sluice/broker";
import type { Logger } from "pino";

/** Tells the batchers which slots are alive: without it a slot brings no credits, and its batch is taken from it. */
export interface SlotHeartbeat extends Service {
  /** Lists a slot. Resolves when Redis knows it, so that it may pull. @throws BrokerError storage-unavailable */
  join(slot: string): Promise<void>;
  /** The next `join` says again that it is alive: after trouble with Redis the last time may be long ago. */
  doubt(slot: string): void;
  /** Takes a slot that has no batch off the list, so that its credits go at once. */
  leave(slot: string): Promise<void>;
  /** Milliseconds since Redis last took a beat. */
  ageMs(): number;
}

/** One call a second for all slots of a process. `stop` takes them off the list. */
export function createSlotHeartbeat(
  redis: RedisClient,
  options: { readonly pool: string },
  log: Logger,
): SlotHeartbeat {
  const { pool } = options;
  const listed = new Set<string>();
  const doubted = new Set<string>();
  let beating: Promise<void> = Promise.resolve();
  const beat = (): Promise<void> => {
    beating = listed.size > 0 ? heartbeatSlots(redis, pool, [...listed]) : Promise.resolve();
    return beating;
  };
  const remove = async (slots: readonly string[]): Promise<void> => {
    if (slots.length === 0) return;
    // A beat that is under way would list them again.
    await beating.catch(() => undefined);
    // If this fails they are believed dead a little later.
    await removeSlots(redis, pool, slots).catch((err: unknown) => log.warn({ err }, "slots not taken off the list"));
  };
  const poller = createPoller(beat, HEARTBEAT_MS, log);
  return {
    start: () => poller.start(),
    async stop() {
      await poller.stop();
      const slots = [...listed];
      listed.clear();
      await remove(slots);
    },
    async join(slot) {
      if (listed.has(slot) && !doubted.has(slot)) return;
      await heartbeatSlots(redis, pool, [slot]);
      listed.add(slot);
      doubted.delete(slot);
    },
    ageMs: () => poller.ageMs(),
    doubt: (slot) => void doubted.add(slot),
    async leave(slot) {
      if (listed.delete(slot)) await remove([slot]);
    },
  };
}
