import { planTask, type PlanTask } from "../client/plan-task.js";
import { awaitService, blameExits } from "../one-server/await-service.js";
import { blameErrors } from "../outages/blame-errors.js";
import { onlyServer } from "../one-server/only-server.js";
import { pause, type Stage, untilTrue } from "../outages/stage.js";
import { withNode } from "../topology/redis-node.js";
import type { ShiftedClocks } from "./shifted-clocks.js";

const HOUR_S = 3_600;
/** Tasks that an hour's jump does not expire. */
const DEADLINE_MS = 3 * 3_600_000;
/** A batcher is found dead after 3 s, its shards are free 5 s later, and its work is found by a walk; 12 s were measured. */
const OPEN_MS = 20_000;
const HOLD_MS = 8_000;

/** The tasks of a campaign; ordinary ones have hours. */
export const planPatient: PlanTask = (seed, index, earlier) => {
  const plan = planTask(seed, index, earlier);
  return plan.purpose === "short" ? plan : { ...plan, deadlineMs: DEADLINE_MS };
};

/**
 * The clock of Redis jumps ahead by an hour. Leases, heartbeats and short deadlines end at once: what workers have in
 * their hands may run again, and tasks whose deadline lies within the hour expire; nothing else may be noticed.
 */
export async function shiftServerForward(stage: Stage, clocks: ShiftedClocks): Promise<void> {
  await pause(2_000);
  const jumpedMs = await jump(stage, clocks, HOUR_S);
  // Their deadline passed with the jump, whatever our clock says.
  stage.excuse(({ purpose, submittedMs, endedMs = Infinity }) => {
    return purpose === "short" && submittedMs <= jumpedMs && endedMs >= jumpedMs;
  });
  await awaitService(stage, jumpedMs);
  await endOpen(stage, jumpedMs);
  await pause(HOLD_MS);
  blameErrors(stage);
  blameExits(stage);
}

/**
 * The clock of Redis is set back by an hour, and at that moment a batcher and a gpu-worker die, whose last signs of life
 * lie in the future now. They are found dead all the same, and nobody waits for the hour to pass.
 */
export async function shiftServerBack(stage: Stage, clocks: ShiftedClocks): Promise<void> {
  const { fleet } = stage.world;
  const victims = [...fleet.ofRole("batcher").slice(0, 1), ...fleet.ofRole("gpu-worker").slice(0, 1)];
  await pause(2_000);
  await Promise.all(victims.map((victim) => victim.kill()));
  const jumpedMs = await jump(stage, clocks, -HOUR_S);
  await endOpen(stage, jumpedMs);
  await awaitService(stage, Date.now());
  await Promise.all(victims.map((victim) => victim.restart()));
  await awaitService(stage, Date.now());
  await pause(HOLD_MS);
  blameErrors(stage);
  blameExits(stage);
}

async function jump(stage: Stage, clocks: ShiftedClocks, seconds: number): Promise<number> {
  const server = onlyServer(stage);
  stage.mayRepeat("leases ended with the jump");
  await clocks.shift(server.name, seconds);
  const [now] = await withNode(server, (redis) => redis.time());
  const ahead = Number(now) - Math.round(Date.now() / 1_000);
  stage.show(`the clock of the server is ${ahead} s ahead`);
  if (Math.abs(ahead - seconds) > 1) stage.blame(`the clock of the server did not jump by ${seconds} s`);
  return Date.now();
}

/** Waits until what was open at the jump has ended. */
async function endOpen(stage: Stage, jumpedMs: number): Promise<void> {
  const open = stage.clients.entries.filter(
    ({ submittedMs, outcome, endedMs = Infinity }) =>
      submittedMs <= jumpedMs && outcome !== "refused" && endedMs > jumpedMs,
  );
  const isEnded = (): boolean => open.every(({ outcome, first }) => outcome !== "ok" || first !== undefined);
  const waited = await untilTrue(isEnded, jumpedMs + OPEN_MS - Date.now());
  const lastMs = Math.max(0, ...open.map(({ endedMs = 0 }) => endedMs - jumpedMs));
  stage.show(`${open.length} tasks were open at the jump; the last had ended ${lastMs} ms after`);
  if (open.length === 0) stage.blame("no task was open at the jump");
  if (waited === undefined) stage.blame(`not all of them had ended ${OPEN_MS} ms after`);
}
