import fc from "fast-check";
import type { Notice, RowOutcome, Settlement } from "../../../src/index.js";
import { FAILURE, RECORD, successOf } from "../../task-fixture.js";
import { atOncePerShard, type Deed, type Move, move, pickOf } from "../action.js";
import type { Memory } from "../memory.js";
import { claim, unclaim } from "../rules/claim.js";
import { settle } from "../rules/settle.js";
import { timeOf } from "../unknown.js";
import type { World } from "../world.js";
import { laneName, pickRuns, placeOf } from "./tasks.js";

/** How long a settled run is kept. */
const KEEP_MS = 68_000;
/** Slots of two processes. */
export const SLOTS = ["w1#0", "w1#1", "w2#0"] as const;
const picks = fc.array(fc.nat(99), { minLength: 1, maxLength: 3 });

/** A notice of some runs, as a batcher makes it: one run is alone by order, or by chance. */
export function makeNotice(
  world: World,
  memory: Memory,
  { picks, solo }: { readonly picks: readonly number[]; readonly solo: boolean },
): Notice | undefined {
  const runIds = pickRuns(world, memory, solo ? picks.slice(0, 1) : picks);
  if (runIds.length === 0) return undefined;
  const rows = runIds.map((runId) => ({ runId, digest: "d", admittedMs: 1 }));
  const batchId = `batch-${++memory.made}`;
  const notice: Notice = {
    ...{ batchId, batcher: "b1", lane: laneName("now"), reason: solo ? "solo" : "full", waitMs: 1, rows },
  };
  memory.notices.push(notice);
  return notice;
}

const claimChoice = fc.record({
  picks,
  solo: fc.boolean(),
  /** An old notice, or one of its own: a notice may come late, or twice. */
  old: fc.option(fc.nat(99), { freq: 2 }),
  slot: fc.constantFrom(...SLOTS),
  leaseMs: fc.constantFrom(7_000, 47_000),
});

const claimMove = claimChoice.map((choice) =>
  move("claim", choice, ({ slot, leaseMs, old, ...fresh }, world, memory) => {
    const notice = (old !== null && pickOf(memory.notices, old)) || makeNotice(world, memory, fresh);
    return notice && claimOf(notice, slot, leaseMs, memory);
  }),
);

/** A slot claims the runs of a notice. */
export function claimOf(notice: Notice, slot: string, leaseMs: number, memory: Memory): Deed {
  const { batchId, rows } = notice;
  const runIds = rows.map(({ runId }) => runId);
  const by = { slot, batchId, leaseMs, keepMs: KEEP_MS, solo: notice.reason === "solo" };
  memory.claims.push({ slot, batchId, runIds });
  return {
    send: ({ api }, redis) => api.claimRuns(redis, notice, by),
    plan: () =>
      atOncePerShard(runIds.map(placeOf), (draft, now, group) =>
        group.map((place) => ({ ...claim(draft, now, place, by), nowMs: timeOf(now) })),
      ),
  };
}

const settleChoice = fc.record({
  picks,
  failed: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  /** The last is too long to go with a wake-up. */
  text: fc.constantFrom("cat", "dog", "x".repeat(1_000)),
  keepMs: fc.constantFrom(KEEP_MS, 168_000),
});

const settleMove = settleChoice.map((choice) =>
  move("settle", choice, ({ picks, failed, text, keepMs }, world, memory) => {
    const settlements = pickRuns(world, memory, picks).map((runId, i): Settlement => {
      const outcome: RowOutcome = failed[i] ? FAILURE : successOf(`${text} ${++memory.made}`);
      return { runId, outcome, record: RECORD };
    });
    if (settlements.length === 0) return undefined;
    return {
      send: ({ api }, redis) => api.settleRuns(redis, settlements, keepMs),
      plan: () => {
        const places = settlements.map((settlement) => ({ ...placeOf(settlement.runId), settlement }));
        return atOncePerShard(places, (draft, now, group) => {
          const rows = group.map(({ settlement }) => settlement);
          return settle(draft, now, group[0]?.shard ?? 0, rows, keepMs);
        });
      },
    };
  }),
);

const unclaimChoice = fc.record({
  pick: fc.nat(99),
  kind: fc.constantFrom<"died" | "returned">("died", "returned"),
  /** The holder, or one who is not: another slot, or another batch of the slot. */
  who: fc.constantFrom("holder", "holder", "holder", "other slot", "other batch"),
});

const unclaimMove = unclaimChoice.map((choice) =>
  move("unclaim", choice, ({ pick, kind, who }, _world, memory) => {
    const held = pickOf(memory.claims.slice(-6), pick);
    if (!held) return undefined;
    const slot = who === "other slot" ? "w3#0" : held.slot;
    const batchId = who === "other batch" ? "batch-0" : held.batchId;
    return unclaimOf(held.runIds, { slot, batchId, kind });
  }),
);

/** A slot gives runs back, or is believed dead. */
export function unclaimOf(
  runIds: readonly string[],
  holder: { readonly slot: string; readonly batchId: string; readonly kind: "died" | "returned" },
): Deed {
  return {
    send: ({ api }, redis) => api.unclaimRuns(redis, runIds, holder),
    plan: () =>
      atOncePerShard(runIds.map(placeOf), (draft, _now, group) => group.map((place) => unclaim(draft, place, holder))),
  };
}

/** What worker slots do with runs. */
export const workerMoves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: claimMove },
  { weight: 4, arbitrary: settleMove },
  { weight: 3, arbitrary: unclaimMove },
);
