import { setTimeout as sleep } from "node:timers/promises";

import { keys } from "@sluice/broker";

import type { World } from "../campaign/start-world.js";

/** What goes on in the background of a sweep, so that every effect of every role comes again and again. */
export interface Stirring {
  /** Resolves when all is as it was. */
  stop(): Promise<void>;
}

const FLUSH_EVERY_MS = 1_000;
const TURN_EVERY_MS = 3_000;
const KILL_EVERY_MS = 15_000;
/** Longer than a worker tries before it gives a batch back. */
const ORACLE_DOWN_MS = 1_500;
const WAITS_MS = ["20", "21"] as const;

/**
 * Makes the servers forget all scripts (they are sent as texts then), turns a live setting (which is stored anew), and
 * kills the oracle (so that batches are given back).
 * @param onOracleKilled wall clock, ms.
 */
export function stirWorld({ topology, redis, oracle }: World, onOracleKilled: (atMs: number) => void): Stirring {
  const over = new AbortController();
  const flush = async (): Promise<void> => {
    for (const node of topology.nodes) await node.command("SCRIPT", "FLUSH");
  };
  let turns = 0;
  const turn = async (): Promise<void> => {
    await redis.hset(keys.config, "batch.max_wait_ms", WAITS_MS[++turns % WAITS_MS.length] ?? "20");
  };
  const killOracle = async (): Promise<void> => {
    onOracleKilled(Date.now());
    await oracle.kill();
    await sleep(ORACLE_DOWN_MS);
    await oracle.restart();
  };
  const loops = [
    repeat(flush, FLUSH_EVERY_MS, over.signal),
    repeat(turn, TURN_EVERY_MS, over.signal),
    repeat(killOracle, KILL_EVERY_MS, over.signal),
  ];
  return {
    async stop() {
      over.abort();
      await Promise.all(loops);
    },
  };
}

async function repeat(work: () => Promise<void>, everyMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    // It rejects when it is cut short.
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await work();
  }
}
