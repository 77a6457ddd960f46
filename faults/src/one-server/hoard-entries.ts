import type { RedisClient } from "@sluice/broker";

import { planPlain } from "../client/plan-plain.js";
import { ORDINARY_DEADLINE_MS } from "../client/plan-task.js";
import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { awaitService, blameExits } from "./await-service.js";
import { READY_STREAMS } from "./work-streams.js";

const HOARDER = "reads and never acknowledges";
/** Clients leave off at 3,000 open tasks. */
const COMPANIES = 4;
const TASKS_EACH = 2_600;
const PER_SECOND = 250;
const HOARD = 10_000;
/** Two leases of a campaign. */
const CLAIMED_MS = 12_000;
const DONE_MS = 120_000;

/**
 * Somebody reads 10,000 entries from the ready streams while the batchers are asleep, and never acknowledges one. The
 * batchers take all of them away from it, for ownership decides and not who has read, and they are done.
 */
export async function hoardEntries(stage: Stage): Promise<void> {
  const { redis, fleet } = stage.world;
  stage.setLoad(0);
  await untilTrue(() => stage.clients.openCount() === 0, 20_000);
  for (const batcher of fleet.ofRole("batcher")) batcher.signal("SIGSTOP");
  const companies = Array.from({ length: COMPANIES }, () =>
    // So many callers who wait would be a load of their own.
    stage.clientsOf(fleet.ofRole("api"), { plan: planPlain(ORDINARY_DEADLINE_MS), followed: 20 }),
  );
  for (const clients of companies) await clients.submit(TASKS_EACH, PER_SECOND);
  const accepted = () => companies.flatMap(({ entries }) => entries).filter(({ outcome }) => outcome === "ok").length;
  await untilTrue(() => accepted() === COMPANIES * TASKS_EACH, 60_000);
  for (const stream of READY_STREAMS) {
    await redis.xreadgroup("GROUP", "batchers", HOARDER, "COUNT", HOARD, "STREAMS", stream, ">");
  }
  const hoarded = await countPending(redis);
  stage.show(`${hoarded} of ${accepted()} entries are pending for a consumer that never acknowledges`);
  if (hoarded < HOARD) stage.blame(`only ${hoarded} entries were read`);
  const wokenMs = Date.now();
  for (const batcher of fleet.ofRole("batcher")) batcher.signal("SIGCONT");
  const claimedMs = await untilTrue(async () => (await countPending(redis)) === 0, CLAIMED_MS);
  stage.show(`all of them were taken from it ${claimedMs} ms after the batchers woke up`);
  if (claimedMs === undefined)
    stage.blame(`some were still pending for it ${CLAIMED_MS} ms after the batchers woke up`);
  const done = await untilTrue(() => companies.every((clients) => clients.openCount() === 0), DONE_MS);
  stage.show(`all of them had ended ${Date.now() - wokenMs} ms after`);
  if (done === undefined) stage.blame(`not all of them had ended ${DONE_MS} ms after`);
  stage.setLoad(60);
  await awaitService(stage, Date.now());
  await pause(1_000);
  blameErrors(stage);
  blameExits(stage);
}

/** How many entries are pending for the hoarder. */
async function countPending(redis: RedisClient): Promise<number> {
  const pending = await Promise.all(
    READY_STREAMS.map(async (stream) => {
      if ((await redis.exists(stream)) === 0) return 0;
      // Count, first and last id, and how many each consumer has.
      const [, , , consumers] = (await redis.xpending(stream, "batchers")) as [
        number,
        string,
        string,
        string[][] | null,
      ];
      return Number(consumers?.find(([name]) => name === HOARDER)?.[1] ?? 0);
    }),
  );
  return pending.reduce((sum, count) => sum + count, 0);
}
