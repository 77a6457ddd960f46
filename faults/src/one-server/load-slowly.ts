import { writeFile } from "node:fs/promises";

import { pause, type Stage, untilTrue } from "../outages/stage.js";
import type { RedisNode } from "../topology/redis-node.js";
import { awaitService, blameExits } from "./await-service.js";
import { judgeRefusals } from "./judge-refusals.js";
import { onlyServer } from "./only-server.js";

/** How long the server is to load. */
const LOAD_MS = 10_000;
const LEAST_MS = 0.7 * LOAD_MS;
const REWRITTEN_MS = 10_000;

/**
 * The server is killed and loads for ten seconds when it is back, answering `LOADING` meanwhile: its keys lie in the
 * base of its log, and each takes a while.
 * @param configFile that the server reads at its start.
 */
export async function loadSlowly(stage: Stage, configFile: string): Promise<void> {
  const server = onlyServer(stage);
  await pause(4_000);
  await rewriteLog(server);
  const keys = Number(await server.command("DBSIZE"));
  const delay = Math.round((LOAD_MS * 1_000) / keys);
  await writeFile(configFile, `key-load-delay ${delay}\nloading-process-events-interval-bytes 1024\n`);
  await stage.measure("killed, then loading", [server]);
  await server.kill();
  const restarted = server.restart();
  const loadedMs = await watchLoading(server, restarted);
  stage.show(`${keys} keys; the server answered LOADING for ${loadedMs.toMs - loadedMs.fromMs} ms`);
  if (loadedMs.toMs - loadedMs.fromMs < LEAST_MS) stage.blame("the server was loaded too soon");
  await awaitService(stage, loadedMs.toMs);
  judgeRefusals(stage, loadedMs, ["storage-unavailable"]);
  blameExits(stage);
}

async function rewriteLog(server: RedisNode): Promise<void> {
  await server.command("BGREWRITEAOF");
  const isDone = async (): Promise<boolean> => {
    const field = (name: string) => server.info("persistence", name);
    return (await field("aof_rewrite_in_progress")) === "0" && (await field("aof_last_bgrewrite_status")) === "ok";
  };
  if ((await untilTrue(isDone, REWRITTEN_MS)) === undefined) throw new Error("the log was not rewritten");
}

/** @returns from when to when it said that it was loading, wall clock. */
async function watchLoading(
  server: RedisNode,
  restarted: Promise<void>,
): Promise<{ readonly fromMs: number; readonly toMs: number }> {
  let over = false;
  const done = restarted.finally(() => (over = true));
  let fromMs: number | undefined;
  let toMs = 0;
  while (!over) {
    const said = await server.command("PING").catch(String);
    if (said.includes("LOADING")) {
      fromMs ??= Date.now();
      toMs = Date.now();
    }
    await pause(50);
  }
  await done;
  return { fromMs: fromMs ?? toMs, toMs };
}
