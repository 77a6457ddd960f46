import { type Clock, expireRuns, lookUpRuns, parseLane, type RedisClient } from "@sluice/broker";
import type { Logger } from "pino";
import type { Ledger, LedgerEntry } from "./ledger.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import type { ServerClock } from "./server-clock.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

/** Added to a lease before its end is believed: the clocks of Redis and of this process run apart a little. */
export const LOOK_UP_MARGIN_MS = 500;
const LOOK_EVERY_MS = 250;

interface LookUpDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly ledger: Ledger;
  readonly metrics: BatcherMetrics;
  /** References may be waiting again. */
  readonly listed: () => void;
}

/**
 * Asks Redis about references of which nothing was heard in time, or that look late. It is the backstop for every
 * message that may be lost: an open run whose lease is over is ready again.
 */
export function createLookUpLoop(deps: LookUpDeps): WakeableLoop {
  const underWay = new Set<LedgerEntry>();
  const turn = async (): Promise<number> => {
    // Also of lanes that no pool serves at the moment.
    deps.ledger.takeLate(deps.serverClock.nowMs());
    const { out, late } = deps.ledger.dueQuestions(deps.clock.monotonicMs());
    const asking = [
      ...byShard(out, underWay).map((entries) => lookUp(deps, entries)),
      ...byShard(late, underWay).flatMap((entries) => byMargin(entries).map((group) => expire(deps, group))),
    ];
    // Not waited for: a shard that hangs must not hold up the others.
    for (const entry of [...out, ...late]) underWay.add(entry);
    for (const { entries, done } of asking) {
      void done.finally(() => {
        for (const entry of entries) underWay.delete(entry);
        deps.listed();
      });
    }
    return LOOK_EVERY_MS;
  };
  return createWakeableLoop("look-up", turn, deps);
}

interface Asking {
  readonly entries: readonly LedgerEntry[];
  readonly done: Promise<void>;
}

function byShard(entries: readonly LedgerEntry[], underWay: ReadonlySet<LedgerEntry>): LedgerEntry[][] {
  const groups = new Map<number, LedgerEntry[]>();
  for (const entry of entries) {
    if (underWay.has(entry)) continue;
    const group = groups.get(entry.ref.shard);
    if (group) group.push(entry);
    else groups.set(entry.ref.shard, [entry]);
  }
  return [...groups.values()];
}

/** How early a reference was given up goes to Redis with the question; those of one moment and lane have it in common. */
function byMargin(entries: readonly LedgerEntry[]): LedgerEntry[][] {
  const groups = new Map<number, LedgerEntry[]>();
  for (const entry of entries) groups.set(entry.marginMs, [...(groups.get(entry.marginMs) ?? []), entry]);
  return [...groups.values()];
}

function lookUp({ redis, clock, ledger, metrics }: LookUpDeps, entries: readonly LedgerEntry[]): Asking {
  const batches = entries.map((entry) => entry.batch);
  const ask = async (): Promise<void> => {
    const replies = await lookUpRuns(
      redis,
      entries.map((entry) => entry.ref),
    );
    const now = { nowMs: clock.monotonicMs(), marginMs: LOOK_UP_MARGIN_MS };
    replies.forEach((reply, index) => {
      const entry = entries[index];
      if (entry) ledger.resolveOut(entry, batches[index], reply, now);
      metrics.lookedUp(reply instanceof Error ? "failed" : reply.kind);
    });
  };
  return { entries, done: ask() };
}

function expire({ redis, clock, ledger, metrics }: LookUpDeps, entries: readonly LedgerEntry[]): Asking {
  const ask = async (): Promise<void> => {
    const replies = await expireRuns(
      redis,
      entries.map((entry) => entry.ref),
      entries[0]?.marginMs ?? 0,
    );
    replies.forEach((reply, index) => {
      const entry = entries[index];
      if (!entry) return;
      ledger.resolveLate(entry, reply, clock.monotonicMs());
      if (!(reply instanceof Error) && reply.kind === "closed") metrics.expired(parseLane(entry.ref.lane)?.model ?? "");
    });
  };
  return { entries, done: ask() };
}
