import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type RedisServer, sendCommand, startRedisServer, waitUntilReady } from "@sluice/stack";
import type { DurabilityLevel } from "./durability-level.js";

/** Where a level is measured: plain data, so that another process can be told. */
export interface LevelServer {
  readonly level: DurabilityLevel;
  readonly url: string;
}

/** The servers of all levels. */
export interface LevelServers {
  readonly servers: readonly LevelServer[];
  /** Masters and replicas. */
  readonly pids: readonly number[];
}

/** No log is rewritten meanwhile: the levels write at different rates, so it would hit one and not the other. */
const EXTRA_ARGS = ["--auto-aof-rewrite-percentage", "0", "--repl-diskless-sync-delay", "0"];
const IN_SYNC_WITHIN_MS = 30_000;

/**
 * Starts a server for each level, its replica in sync, runs `work`, and stops them whatever comes of that.
 * @param folder where their logs lie, for it is the disk that is measured; it is emptied before and goes afterwards.
 */
export async function withLevelServers<T>(
  levels: readonly DurabilityLevel[],
  folder: string,
  work: (servers: LevelServers) => Promise<T>,
): Promise<T> {
  const started: RedisServer[] = [];
  try {
    await rm(folder, { recursive: true, force: true });
    const servers: LevelServer[] = [];
    for (const [index, level] of levels.entries()) {
      const dir = join(folder, `level-${index}`);
      const master = await startRedisServer({ dir, appendonly: level.appendfsync, extraArgs: EXTRA_ARGS });
      started.push(master);
      if (level.replicas > 0) started.push(await startReplica(master, `${dir}-replica`, level));
      servers.push({ level, url: master.url });
    }
    return await work({ servers, pids: started.map(({ process }) => process.pid ?? 0) });
  } finally {
    await Promise.all(started.map(discard));
    await rm(folder, { recursive: true, force: true });
  }
}

async function startReplica(master: RedisServer, dir: string, { appendfsync }: DurabilityLevel): Promise<RedisServer> {
  // It keeps a log as well: it may become the master.
  const extraArgs = [...EXTRA_ARGS, "--replicaof", "127.0.0.1", String(master.port)];
  const replica = await startRedisServer({ dir, appendonly: appendfsync, extraArgs });
  try {
    await waitUntilReady(replica.running, {
      // On a connection that has written nothing, WAIT counts the replicas that are in sync.
      isReady: async () => Number(await sendCommand(master.port, ["WAIT", "1", "50"])) >= 1,
      timeoutMs: IN_SYNC_WITHIN_MS,
      everyMs: 20,
    });
  } catch (error) {
    await discard(replica);
    throw error;
  }
  return replica;
}

/** Nobody needs its data; and a replica that has just begun its log ignores SIGTERM. */
async function discard(server: RedisServer): Promise<void> {
  server.kill("SIGKILL");
  await server.stop();
}
