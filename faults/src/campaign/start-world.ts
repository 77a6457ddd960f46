import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { connectRedis, keys, parseRedisUrl, type RedisClient, registerModels } from "@sluice/broker";
import { pino } from "pino";

import type { UnplannedExit } from "../managed-process.js";
import { ORACLE_MODEL } from "../oracle/oracle-model.js";
import { type Oracle, startOracle } from "../oracle/start-oracle.js";
import { copyPrograms } from "../roles/copy-programs.js";
import { type Fleet, startFleet } from "../roles/start-fleet.js";
import { startTopology } from "../topology/start-topology.js";
import { replicatedEnv, type Topology } from "../topology/topology.js";
import { CAMPAIGN_COUNTS, CAMPAIGN_SETTINGS, type CampaignOptions, ORACLE_TIMES, SLOTS } from "./campaign-options.js";

/** Everything that a campaign runs against. */
export interface World {
  readonly topology: Topology;
  readonly oracle: Oracle;
  readonly fleet: Fleet;
  /** The harness's own connection. */
  readonly redis: RedisClient;
  readonly unplannedExits: readonly UnplannedExit[];
  stop(): Promise<void>;
}

/** Starts Redis, the oracle and all roles; stops what was started if something does not come up. */
export async function startWorld(options: CampaignOptions): Promise<World> {
  const { dir } = options;
  const unplannedExits: UnplannedExit[] = [];
  const onUnplannedExit = (exit: UnplannedExit): void => {
    if (options.isPlannedExit?.(exit)) return;
    unplannedExits.push(exit);
    options.say(`${exit.name} ended with ${exit.signal ?? exit.code}, unasked`);
  };
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one();
  };
  try {
    await copyPrograms(join(dir, "programs"), options.patches);
    await mkdir(join(dir, "oracle"), { recursive: true });
    const topology = await startTopology(options.topology, join(dir, "redis"), options);
    undo.push(() => topology.stop());
    for (const [name, value] of Object.entries(options.redisConfig ?? {})) {
      for (const node of topology.nodes) await node.command("CONFIG", "SET", name, value);
    }
    const redis = await connectRedis(parseRedisUrl(topology.adminUrl()), pino({ level: "silent" }));
    undo.push(async () => redis.disconnect());
    await redis.hset(keys.config, { ...CAMPAIGN_SETTINGS, ...modeOf(options), ...options.settings });
    await registerModels(redis, [ORACLE_MODEL]);
    const times = options.oracle ?? ORACLE_TIMES;
    const oracle = await startOracle({ dir: join(dir, "oracle"), times, onUnplannedExit });
    undo.push(() => oracle.stop());
    const counts = options.counts ?? CAMPAIGN_COUNTS;
    // A failover loses what the promoted replica does not have: only if all are waited for can nothing accepted be lost.
    const durability = replicatedEnv(options.topology);
    const env = { SLOTS: String(SLOTS), ...durability, ...options.env };
    const { envOf } = options;
    const fleet = await startFleet({
      ...{ dir, topology, counts, env, onUnplannedExit },
      oraclePort: oracle.port,
      ...(envOf ? { envOf } : {}),
    });
    undo.push(() => fleet.stop());
    return { topology, oracle, fleet, redis, unplannedExits, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function modeOf({ mode }: CampaignOptions): Record<string, string> {
  return mode === undefined ? {} : { "batch.mode": mode };
}
