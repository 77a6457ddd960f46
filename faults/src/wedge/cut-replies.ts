import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import type { World } from "../campaign/start-world.js";

/** Scripts whose replies are cut, one after the other: from the admission of a task to XACK and XDEL of its notice. */
export const CUT_SCRIPTS = [
  "admit",
  "own-shard",
  "publish-batch",
  "claim",
  "settle",
  "finish-batch",
  "heartbeat",
] as const;

/** The read loops. */
const CUT_COMMANDS = ["XREADGROUP", "XPENDING"] as const;

/** How long somebody may take to send such a request: owners look at what is pending every 5 s. */
const HIT_MS = 8_000;

/**
 * Cuts connections between a request that Redis carries out and its reply, for each kind of request once.
 * @param dir the world's: its copied programs say how their scripts are called.
 * @throws Error if nobody sends such a request.
 */
export async function cutReplies(world: World, dir: string): Promise<void> {
  const path = join(dir, "programs", "broker", "dist", "scripts", "load-lua.js");
  const { loadLua } = (await import(pathToFileURL(path).href)) as { loadLua: (name: string) => { sha1: string } };
  for (const script of CUT_SCRIPTS) await cutOnce(world, script, loadLua(script).sha1);
  // ioredis sends the names of commands as they are given.
  for (const command of CUT_COMMANDS) await cutOnce(world, command, commandWord(command));
}

/** What stands in the bytes of such a request (RESP: each word on a line of its own). */
function commandWord(command: (typeof CUT_COMMANDS)[number]): string {
  return command === "XPENDING" ? "xpending\r\n" : `${command}\r\n`;
}

async function cutOnce({ topology }: World, what: string, after: string): Promise<void> {
  let cuts = 0;
  const links = topology.links();
  const cut = (): void => void cuts++;
  await Promise.all(links.map((link) => link.setFault({ kind: "cut-reply", after, cut })));
  for (const endMs = Date.now() + HIT_MS; cuts === 0 && Date.now() < endMs;) await sleep(5);
  await Promise.all(links.map((link) => link.setFault(undefined)));
  if (cuts === 0) throw new Error(`nobody sent ${what} within ${HIT_MS} ms`);
}
