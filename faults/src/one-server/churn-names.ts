import type { RedisClient } from "@sluice/broker";

import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import type { Patch } from "../roles/copy-programs.js";
import { awaitService, blameExits } from "./await-service.js";
import { NOTICE_STREAMS, READY_STREAMS } from "./work-streams.js";

const NAMES = 200;
const RESTARTS = 6;
/** As few as there are processes, and some more while they come and go. */
const BOUND = 12;
const FORGOTTEN_MS = 40_000;

const js = (file: string, find: string, replace: string): Patch => ({ file, find, replace });

/** Batchers look for names that are not used any more every 5 s, not every 10 minutes, and forget after 3 s, not 10 minutes. */
export const FORGET_SOON: readonly Patch[] = [
  js("batcher/dist/sweep-loops.js", "DROP_CONSUMERS_EVERY = 120", "DROP_CONSUMERS_EVERY = 1"),
  js("batcher/dist/sweep-loops.js", "CONSUMER_IDLE_MS = 600_000", "CONSUMER_IDLE_MS = 3_000"),
  js("batcher/dist/dead-slots-loop.js", "DROP_CONSUMERS_EVERY = 300", "DROP_CONSUMERS_EVERY = 5"),
  js("batcher/dist/dead-slots-loop.js", "CONSUMER_IDLE_MS = 600_000", "CONSUMER_IDLE_MS = 3_000"),
];

/**
 * Every boot has a new name. The names of 200 boots are left in every group, and some processes really start again: all
 * names that nobody uses are forgotten, while work goes on.
 */
export async function churnNames(stage: Stage): Promise<void> {
  const { redis, fleet } = stage.world;
  await pause(1_000);
  for (const [streams, group] of [
    [READY_STREAMS, "batchers"],
    [NOTICE_STREAMS, "workers"],
  ] as const) {
    for (const stream of streams) {
      const names = Array.from({ length: NAMES }, (_, index) => `gone-${index}`);
      await Promise.all(names.map((name) => redis.xgroup("CREATECONSUMER", stream, group, name)));
    }
  }
  const most = await mostConsumers(redis);
  stage.show(`up to ${most} names in a group`);
  if (most < NAMES) stage.blame("there were no names to forget");
  for (let restart = 0; restart < RESTARTS; restart++) {
    const members = fleet.ofRole(restart % 2 === 0 ? "batcher" : "gpu-worker");
    const member = members[(restart >> 1) % members.length];
    stage.mayRepeat("a process was killed");
    await member?.kill();
    await member?.restart();
  }
  const forgottenMs = await untilTrue(async () => (await mostConsumers(redis)) <= BOUND, FORGOTTEN_MS);
  stage.show(`at most ${await mostConsumers(redis)} names in any group ${forgottenMs} ms after ${RESTARTS} restarts`);
  if (forgottenMs === undefined) stage.blame(`more than ${BOUND} names in a group`);
  await awaitService(stage, Date.now());
  blameErrors(stage);
  blameExits(stage);
}

async function mostConsumers(redis: RedisClient): Promise<number> {
  const counts = await Promise.all(
    [...READY_STREAMS, ...NOTICE_STREAMS].map(async (stream) => {
      const [group] = (await redis.xinfo("GROUPS", stream)) as (string | number)[][];
      return group === undefined ? 0 : Number(group[group.indexOf("consumers") + 1]);
    }),
  );
  return Math.max(...counts);
}
