import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Redis } from "ioredis";
import { createGate, type ReleasePace } from "./gate.js";
import { exitWithParent } from "../process/exit-with-parent.js";
import type { ListeningMessage } from "../process/server-child.js";

/** What the floor's server is told. */
export interface HttpFloorOptions {
  readonly redisPort: number;
  /** Answers are held back and let go so many at a time, as a model that runs batches would; at once if absent. */
  readonly release?: ReleasePace;
}

/** Redis with the script of this floor as a command: EVALSHA, after one EVAL. */
interface StoringRedis extends Redis {
  storeInput(key: string, input: string, keepMs: number): Promise<number>;
}

/** Long enough for the read that follows, short enough for the memory of a long run. */
const KEEP_MS = 5_000;

/** The least that a broker's HTTP side does for a task: parse the body, one EVALSHA that stores it, one read. */
process.once("message", ({ redisPort, release }: HttpFloorOptions) => {
  exitWithParent();
  const redis = connect(redisPort);
  const untilReleased = release && createGate(release);
  const app = new Hono();
  app.post("/v1/inference", async (context) => {
    const body = await context.req.json<{ input?: unknown }>();
    if (typeof body.input !== "string") return context.json({ title: "input must be a string" }, 422);
    const taskId = randomUUID();
    const key = `floor:${taskId}`;
    await redis.storeInput(key, body.input, KEEP_MS);
    if (untilReleased) await untilReleased();
    const state = await redis.hget(key, "state");
    return context.json({ task_id: taskId, status: state });
  });
  serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }: AddressInfo) =>
    process.send?.({ port } satisfies ListeningMessage),
  );
});

function connect(port: number): StoringRedis {
  const redis = new Redis({ host: "127.0.0.1", port, protocol: 2 });
  const lua = readFileSync(new URL("../../lua/store-input.lua", import.meta.url), "utf8");
  redis.defineCommand("storeInput", { lua, numberOfKeys: 1 });
  return redis as StoringRedis;
}
