import type { RedisClient } from "@sluice/broker";

import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { awaitService, blameExits } from "./await-service.js";
import { countEntries, NOTICE_STREAMS, READY_STREAMS } from "./work-streams.js";

const GROUPS: readonly { readonly group: string; readonly streams: readonly string[] }[] = [
  { group: "batchers", streams: READY_STREAMS },
  { group: "workers", streams: NOTICE_STREAMS },
];
const BUSY_MS = 10_000;

/** All groups are destroyed, made again by whoever misses them, and set back to their beginning: nothing is lost. */
export async function loseGroups(stage: Stage): Promise<void> {
  await pause(1_000);
  await meddle(stage, "destroyed", async (redis, stream, group) => {
    await redis.xgroup("DESTROY", stream, group);
  });
  await awaitService(stage, Date.now());
  await meddle(stage, "set back to 0", async (redis, stream, group) => {
    await untilTrue(() => setBack(redis, stream, group), BUSY_MS);
  });
  await awaitService(stage, Date.now());
  blameErrors(stage);
  blameExits(stage);
}

/** @returns false while nobody has missed the group that was destroyed. */
async function setBack(redis: RedisClient, stream: string, group: string): Promise<boolean> {
  try {
    await redis.xgroup("SETID", stream, group, "0");
    return true;
  } catch (error) {
    if (String(error).includes("NOGROUP")) return false;
    throw error;
  }
}

/** While entries lie in the streams of each group. */
async function meddle(
  stage: Stage,
  what: string,
  act: (redis: RedisClient, stream: string, group: string) => Promise<void>,
): Promise<void> {
  const { redis } = stage.world;
  for (const { group, streams } of GROUPS) {
    let entries = 0;
    await untilTrue(async () => (entries = await countEntries(redis, streams)) > 0, BUSY_MS);
    stage.mayRepeat(`groups ${what}`);
    const there = await existing(redis, streams);
    // Right after the look: what is there now was there then, or came since.
    await Promise.all(there.map((stream) => act(redis, stream, group)));
    stage.show(`groups ${group} of ${there.length} streams ${what}, with ${entries} entries in them`);
    if (entries === 0) stage.blame(`the streams of ${group} were empty`);
  }
}

async function existing(redis: RedisClient, streams: readonly string[]): Promise<string[]> {
  const are = await Promise.all(streams.map((stream) => redis.exists(stream)));
  return streams.filter((_, index) => are[index] === 1);
}
