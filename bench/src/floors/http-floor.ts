import { type RedisServer, startRedisServer } from "@sluice/stack";
import type { BenchContext } from "../bench-context.js";
import type { LoadRun } from "../bench-result.js";
import { FULL_BATCH, type PlannedLoad, TEXT_BYTES } from "../bench-scale.js";
import { runLoads } from "../measure/run-loads.js";
import { startServerChild } from "../process/server-child.js";
import type { HttpFloorOptions } from "./http-floor-server.js";

/** What taking a task costs at least: a hono route that parses it, stores it with one EVALSHA and reads it once. */
export interface HttpFloor {
  /** As fast as it can. */
  readonly flatOut: readonly LoadRun[];
  /**
   * Its answers held back and let go 64 at a time, 2,667 a second: the pace and the bursts that a model which runs
   * batches gives to whatever is before it. A process that is flat out finds more work each time it looks, and needs
   * less CPU for each piece.
   */
  readonly paced: readonly LoadRun[];
}

const RELEASE = { count: FULL_BATCH, everyMs: 24 };

/** Measures both, each with a server of its own. */
export async function measureHttpFloor(context: BenchContext): Promise<HttpFloor> {
  const redis = await startRedisServer({ appendonly: "everysec" });
  try {
    const flatOut = await measureServer("hono", { redis, loads: once(context.scale.floorPaces) }, context);
    const paced = await measureServer(
      "hono at the pace of batches",
      { redis, loads: once([{ kind: "closed", clients: 256 }]), release: RELEASE },
      context,
    );
    return { flatOut, paced };
  } finally {
    await redis.stop();
  }
}

/** One server, and what is put on it. */
interface FloorServer {
  readonly redis: RedisServer;
  readonly loads: readonly PlannedLoad[];
  readonly release?: HttpFloorOptions["release"];
}

async function measureServer(
  name: string,
  { redis, loads, release }: FloorServer,
  context: BenchContext,
): Promise<LoadRun[]> {
  const options: HttpFloorOptions = { redisPort: redis.port, ...(release ? { release } : {}) };
  const server = await startServerChild(new URL("./http-floor-server.js", import.meta.url), options);
  try {
    const inputs = { kind: "text", model: "none", textBytes: TEXT_BYTES } as const;
    const processes = [
      { name: "hono", pid: server.pid },
      { name: "redis", pid: redis.process.pid ?? 0 },
    ];
    return await runLoads({ name, origin: server.origin, inputs, processes }, loads, context);
  } finally {
    await server.stop();
  }
}

function once(paces: BenchContext["scale"]["floorPaces"]): PlannedLoad[] {
  return paces.map((pace) => ({ exchange: "once", pace }));
}
