import type { LedgerEntry } from "../client/ledger.js";
import { planPlain } from "../client/plan-plain.js";
import { blameErrors } from "../outages/blame-errors.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { isAnswerTo } from "../oracle/answer-of.js";
import { awaitService, blameExits } from "./await-service.js";
import { countEntries, READY_STREAMS } from "./work-streams.js";

const DOOMED = 60;
const DEADLINE_MS = 12_000;
/** Whoever reads a task is told that it has expired as soon as it has; a reader waits for 5 s at a time. */
const TOLD_MS = 6_000;

/**
 * The ready streams are deleted, which are the record of open work: what no batcher had read is lost, and each such task
 * ends as EXPIRED at its deadline, never otherwise. What batchers had in memory is done; what comes later is as always.
 */
export async function deleteReady(stage: Stage): Promise<void> {
  const { redis, fleet } = stage.world;
  await pause(1_000);
  stage.setLoad(0);
  await untilTrue(() => stage.clients.openCount() === 0, 20_000);
  const doomed = stage.clientsOf(fleet.ofRole("api"), { plan: planPlain(DEADLINE_MS) });
  stage.excuse((entry) => doomed.entries.includes(entry));
  for (const batcher of fleet.ofRole("batcher")) batcher.signal("SIGSTOP");
  await doomed.submit(DOOMED, 100);
  await untilTrue(() => doomed.entries.every(({ outcome }) => outcome === "ok"), 5_000);
  const entries = await countEntries(redis, READY_STREAMS);
  await redis.del(...READY_STREAMS);
  const deletedMs = Date.now();
  for (const batcher of fleet.ofRole("batcher")) batcher.signal("SIGCONT");
  stage.show(`${entries} entries of open tasks were deleted`);
  stage.setLoad(60);
  await awaitService(stage, deletedMs);
  await untilTrue(() => doomed.openCount() === 0, DEADLINE_MS + TOLD_MS);
  judgeDoomed(stage, doomed.entries);
  blameErrors(stage);
  blameExits(stage);
}

function judgeDoomed(stage: Stage, doomed: readonly LedgerEntry[]): void {
  const of = (state: string) => doomed.filter(({ first }) => first?.state === state);
  const [done, expired] = [of("SUCCESS"), of("EXPIRED")];
  const lateMs = expired.map(({ submittedMs, endedMs = 0 }) => endedMs - submittedMs - DEADLINE_MS);
  stage.show(
    `${expired.length} of ${doomed.length} tasks expired, told at most ${Math.max(0, ...lateMs)} ms late; ${done.length} had been read and were done`,
  );
  if (expired.length === 0) stage.blame("nothing was lost: the streams were not the record of open work");
  if (done.length + expired.length < doomed.length) stage.blame("some tasks ended otherwise, or not at all");
  if (Math.min(...lateMs) < 0) stage.blame("a task expired before its deadline");
  if (Math.max(...lateMs) > TOLD_MS) stage.blame("a task expired long after its deadline");
  for (const { text, first } of done) if (!isAnswerTo(text, first?.answer)) stage.blame(`${text} has another's answer`);
}
