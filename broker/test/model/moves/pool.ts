import fc from "fast-check";
import { type BatchClass, type DeadNotice, encodeNotice, type Notice, type NoticeReader } from "../../../src/index.js";
import { atOnce, atOncePerShard, type Deed, inTurn, type Move, move, pickOf } from "../action.js";
import { latin1, unclaim } from "../rules/claim.js";
import {
  countNotices,
  finish,
  findDead,
  heartbeat,
  liveSlots,
  openNotices,
  POOL,
  publish,
  pullNew,
  pullPending,
} from "../rules/pool.js";
import { dropConsumers } from "../rules/streams.js";
import { Between, type Expected } from "../unknown.js";
import type { World } from "../world.js";
import { claimOf, makeNotice, SLOTS } from "./workers.js";
import { placeOf } from "./tasks.js";

const slot = fc.constantFrom(...SLOTS);
const batchClass = fc.constantFrom<BatchClass>("now", "now", "bulk");

/** Slots say that they are alive. */
export const heartbeatOf = (slots: readonly string[]): Deed => ({
  send: ({ api }, redis) => api.heartbeatSlots(redis, POOL, slots),
  plan: () => atOnce((world, now) => void heartbeat(world, now, slots)),
});

const heartbeatMove = fc
  .subarray([...SLOTS], { minLength: 1 })
  .map((slots) => move("heartbeat", slots, () => heartbeatOf(slots)));

const removeMove = slot.map((name) =>
  move("remove-slot", name, () => ({
    send: ({ api }, redis) => api.removeSlots(redis, POOL, [name]),
    plan: () => atOnce((world) => void world.pool.slots.delete(name)),
  })),
);

const useMove = fc.constant(null).map((nothing) =>
  move("pool-use", nothing, () => ({
    onlyAlone: true,
    send: async ({ api }, redis) => [await api.readPoolUse(redis, POOL), await api.countLiveSlots(redis, POOL)],
    plan: () =>
      atOnce((world, now) => {
        const live = liveSlots(world, now).length;
        // Names that tell no Triton count as one.
        return [{ liveSlots: live, endpoints: Math.min(1, live), used: countNotices(world) }, live];
      }),
  })),
);

const publishChoice = fc.record({
  picks: fc.array(fc.nat(99), { minLength: 1, maxLength: 3 }),
  solo: fc.boolean(),
  batchClass,
  prefetch: fc.constantFrom(0, 1),
});

const publishMove = publishChoice.map((choice) =>
  move("publish", choice, ({ batchClass, prefetch, ...rows }, world, memory) => {
    const notice = makeNotice(world, memory, rows);
    return notice && publishOf(notice, batchClass, prefetch);
  }),
);

/** A batcher publishes a notice, if there is a credit. */
export function publishOf(notice: Notice, batchClass: BatchClass, prefetch: number): Deed {
  const payload = latin1(encodeNotice(notice));
  return {
    send: ({ api }, redis) => api.publishBatch(redis, POOL, { batchClass, notice, prefetch }),
    plan: () => atOnce((world, now) => publish(world, now, { batchClass, payload, prefetch })),
  };
}

const pullMove = fc
  .record({ slot, bulk: fc.boolean() })
  .map((choice) => move("pull", choice, ({ slot, bulk }) => pullOf(slot, bulk ? ["now", "bulk"] : ["now"])));

/** A slot pulls what there is. */
export function pullOf(slot: string, classes: readonly BatchClass[]): Deed {
  return {
    actor: slot,
    async send({ api, readers, target }, redis) {
      const reader = readers.get(slot) ?? api.createNoticeReader(target, redis, POOL, slot);
      readers.set(slot, reader);
      return await (reader as NoticeReader).pull(classes, 1);
    },
    plan: () => pullPlan(slot, classes),
  };
}

/** A slot first takes what is pending for it already [R8]; it does not trust that until it has found nothing. */
function pullPlan(slot: string, classes: readonly BatchClass[]) {
  let lost: Expected[] = [];
  const opening = (["now", "bulk"] as const).map((batchClass) =>
    atOnce((world) => void (world.sureSlots.has(slot) || openNotices(world.pool, batchClass))),
  );
  const repeating = atOnce((world) => {
    if (world.sureSlots.has(slot)) return;
    lost = pullPending(world, slot);
    if (lost.length === 0) world.sureSlots.add(slot);
  });
  const taking = atOnce((world) => (lost.length > 0 ? lost : pullNew(world, slot, classes)));
  return inTurn(...opening, repeating, taking);
}

/** The notices that are with slots. */
function pendingNotices(world: World): { batchClass: BatchClass; noticeId: string; slot: string; payload: string }[] {
  return [...world.pool.notices].flatMap(([batchClass, { entries }]) =>
    entries.flatMap(({ id, consumer, payload = "" }) =>
      consumer === undefined ? [] : [{ batchClass, noticeId: id.text ?? "", slot: consumer, payload }],
    ),
  );
}

const finishChoice = fc.record({ pick: fc.nat(99), mine: fc.constantFrom(true, true, false) });

const finishMove = finishChoice.map((choice) =>
  move("finish", choice, ({ pick, mine }, world) => {
    const found = pickOf(pendingNotices(world), pick);
    if (!found) return undefined;
    const message = { batchId: "batch-1", serviceMs: 5, unsettled: [{ runId: "r", why: "returned" as const }] };
    const end = { ...found, slot: mine ? found.slot : "w9#0", message };
    return {
      send: ({ api }, redis) => api.finishBatch(redis, POOL, end),
      plan: () => atOnce((draft) => finish(draft, end)),
    };
  }),
);

/** A slot claims the runs of the notice that it has pulled. */
const workMove = fc.nat(99).map((pick) =>
  move("work", pick, (_choice, world, memory) => {
    const found = pickOf(pendingNotices(world), pick);
    const notice = found && memory.notices.find((one) => latin1(encodeNotice(one)) === found.payload);
    return notice && claimOf(notice, found.slot, 47_000, memory);
  }),
);

/** A batcher looks for notices whose slots are silent, and can take them back from then on. */
const findDeadOf = (): Deed => ({
  onlyAlone: true,
  send: ({ api }, redis) => api.findDeadNotices(redis, POOL),
  plan: () => atOnce((world, now) => findDead(world, now)),
  learn: (found: DeadNotice[], memory) => memory.deadNotices.push(...found),
});

const findDeadMove = fc.constant(null).map((nothing) => move("find-dead", nothing, findDeadOf));

const reclaimMove = fc.nat(99).map((pick) =>
  move("reclaim", pick, (_choice, _world, memory) => {
    const dead = pickOf(memory.deadNotices.slice(-4), pick);
    return dead ? reclaimOf(dead) : findDeadOf();
  }),
);

/** The leases first, then the notice. */
function reclaimOf(dead: DeadNotice): Deed {
  const { slot, notice } = dead;
  const runIds = notice?.rows.map((row) => row.runId) ?? [];
  const batchId = notice?.batchId ?? "";
  const message = { batchId, serviceMs: 0, unsettled: runIds.map((runId) => ({ runId, why: "unknown" as const })) };
  return {
    send: ({ api }, redis) => api.reclaimDeadNotice(redis, POOL, dead),
    plan: () =>
      inTurn(
        atOncePerShard(runIds.map(placeOf), (world, _now, group) =>
          group.map((place) => unclaim(world, place, { slot, batchId, kind: "died" })),
        ),
        atOnce((world) => void finish(world, { ...dead, message })),
      ),
  };
}

const dropIdleMove = fc.boolean().map((idle) =>
  move("drop-idle-slots", idle, () => ({
    // Two streams, and one number for both.
    onlyAlone: true,
    send: ({ api }, redis) => api.dropIdleSlots(redis, POOL, idle ? -1 : 1_000_000),
    plan: () =>
      atOnce((world) => {
        const dropped = [...world.pool.notices.values()].map((stream) => dropConsumers(stream, idle));
        const sum = (bound: "least" | "most") => dropped.reduce((total, one) => total + one[bound], 0);
        return new Between(sum("least"), sum("most"));
      }),
  })),
);

/** Notices, credits and slots. */
export const poolMoves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: heartbeatMove },
  { weight: 1, arbitrary: removeMove },
  { weight: 1, arbitrary: useMove },
  { weight: 1, arbitrary: dropIdleMove },
  { weight: 5, arbitrary: publishMove },
  { weight: 5, arbitrary: pullMove },
  { weight: 3, arbitrary: workMove },
  { weight: 4, arbitrary: finishMove },
  { weight: 2, arbitrary: findDeadMove },
  { weight: 2, arbitrary: reclaimMove },
);
