import { dropIdleBatchers } from "@sluice/broker";
import { type LeftoverDeps, serveLeftovers } from "./leftover-lanes.js";
import type { LoopHealth } from "./loop-health.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";
import { walkPending } from "./walk-pending.js";

const SWEEP_EVERY_MS = 5_000;
/** Consumers of batchers that are gone pile up slowly, one for each boot: looked at in one walk of so many. */
const DROP_CONSUMERS_EVERY = 120;
/** A batcher that lives reads at least every second, so a consumer that is idle for so long is dead. */
const CONSUMER_IDLE_MS = 600_000;

/** The walks over what is pending in the ready streams, one loop for each shard: a shard that hangs holds up no other. */
export interface SweepLoops {
  /** Walks the shard at once, then every few seconds; also when it is walked already. */
  begin(shard: number): void;
  /** The shard is another batcher's. */
  end(shard: number): void;
  stop(): Promise<void>;
}

/**
 * The owner of a shard walks its pending entries: it claims what is pending for anybody else, and lists whatever it
 * does not have in memory, its own entries too. This is what makes a lost reply, a dead batcher and any mistake of
 * the ledger harmless.
 */
export function createSweepLoops(
  deps: LeftoverDeps & {
    readonly health: LoopHealth;
    /** New references are waiting. */
    readonly listed: () => void;
  },
  batcher: string,
): SweepLoops {
  const loops = new Map<number, WakeableLoop>();
  const ended = new Set<Promise<void>>();
  let stopped = false;

  const end = (shard: number): void => {
    const stopping = loops.get(shard)?.stop();
    loops.delete(shard);
    if (!stopping) return;
    ended.add(stopping);
    void stopping.finally(() => ended.delete(stopping));
  };
  return {
    begin(shard) {
      end(shard);
      if (stopped) return;
      let walks = 0;
      const turn = async (): Promise<number> => {
        await sweepShard(deps, batcher, shard);
        if (++walks % DROP_CONSUMERS_EVERY === 0) await dropConsumers(deps, shard);
        return SWEEP_EVERY_MS;
      };
      const loop = createWakeableLoop("sweep", turn, deps);
      loops.set(shard, loop);
      void loop.start();
    },
    end,
    async stop() {
      stopped = true;
      for (const shard of [...loops.keys()]) end(shard);
      await Promise.all(ended);
    },
  };
}

type SweepDeps = Parameters<typeof createSweepLoops>[0];

async function sweepShard(deps: SweepDeps, batcher: string, shard: number): Promise<void> {
  let found = 0;
  for (const lane of deps.lanes.lanes()) {
    const refs = await walkPending(deps, batcher, { shard, lane: lane.name });
    if (!deps.ownership.owns(shard)) return;
    // What was read while the walk was under way comes back too; the ledger knows it by now and changes nothing.
    found += deps.ledger.list(refs, deps.clock.monotonicMs(), deps.serverClock.nowMs());
  }
  found += await serveLeftovers(deps, batcher, shard);
  if (!deps.ownership.owns(shard)) return;
  if (found > 0) {
    deps.log.info({ shard, found }, "pending references listed again");
    deps.listed();
  }
  deps.ownership.swept(shard);
}

async function dropConsumers(deps: SweepDeps, shard: number): Promise<void> {
  for (const lane of deps.lanes.lanes()) {
    await dropIdleBatchers(deps.redis, { shard, lane: lane.name }, CONSUMER_IDLE_MS);
  }
}
