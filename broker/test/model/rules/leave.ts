import { keys, type RunPlace } from "../../../src/index.js";
import { type Expected, isBefore, type Moment, timeOf } from "../unknown.js";
import { type Shard, shardOf, type World } from "../world.js";
import { removeEntries } from "./streams.js";

/** Cancels a task that is on an open run. */
export function cancel(world: World, shardNumber: number, taskId: string, owner: string): Expected {
  const shard = shardOf(world, shardNumber);
  const task = shard.tasks.get(taskId);
  if (!task || task.owner !== owner) return { kind: "none" };
  if (task.state === "CANCELED") return { kind: "canceled", orphanBlob: "" };
  if (task.state) return { kind: "ended", state: task.state };
  const run = shard.runs.get(task.runId);
  if (!run) return { kind: "gone" };
  if (run.state !== "OPEN") return { kind: "ended", state: run.state };
  return { kind: "canceled", orphanBlob: leave(world, shardNumber, taskId, task.runId, "CANCELED").blob };
}

/** Expires the tasks of a run whose own deadline is before now + margin. */
export function expire(world: World, now: Moment, { shard: shardNumber, runId }: RunPlace, marginMs: number): Expected {
  const run = shardOf(world, shardNumber).runs.get(runId);
  if (run?.state !== "OPEN") return { kind: "closed", orphanBlob: "" };
  const horizon = timeOf(now).plus(marginMs);
  const late = [...run.tasks].filter(([, deadline]) => isBefore(deadline, horizon)).map(([taskId]) => taskId);
  let left = { closed: false, blob: "" };
  for (const taskId of late) left = leave(world, shardNumber, taskId, runId, "EXPIRED");
  return left.closed ? { kind: "closed", orphanBlob: left.blob } : { kind: "open", deadlineMs: run.deadline };
}

/** What a task says; a late one is expired before it says so [R2]. */
export function read(world: World, now: Moment, shardNumber: number, taskId: string): Expected {
  const shard = shardOf(world, shardNumber);
  const task = shard.tasks.get(taskId);
  if (!task) return { kind: "none" };
  const { owner, runId, deadline } = task;
  if (task.state) return { kind: "left", owner, state: task.state, orphanBlob: "" };
  const run = shard.runs.get(runId);
  if (!run) return { kind: "gone", owner };
  const common = { owner, runId, deadlineMs: deadline, admittedMs: run.admitted };
  if (run.state !== "OPEN") {
    const { value = "", record = "", finished } = run.end ?? {};
    const [output, error] = run.state === "SUCCESS" ? [value, ""] : ["", value];
    return { kind: "done", ...common, state: run.state, finishedMs: finished, lane: run.lane, output, error, record };
  }
  if (isBefore(deadline, timeOf(now))) {
    const { blob } = leave(world, shardNumber, taskId, runId, "EXPIRED");
    return { kind: "left", owner, state: "EXPIRED", orphanBlob: blob };
  }
  const lease = run.claim === undefined || run.claim === "free" ? undefined : run.claim.lease;
  const leaseMs = lease && !isBefore(lease, timeOf(now)) ? lease : 0;
  return { kind: "open", ...common, leaseMs, nowMs: timeOf(now) };
}

/** One task leaves an open run, which closes, custody and all, when nobody is left. */
function leave(
  world: World,
  shardNumber: number,
  taskId: string,
  ...[runId, state]: [runId: string, state: "CANCELED" | "EXPIRED"]
): { closed: boolean; blob: string } {
  const shard: Shard = shardOf(world, shardNumber);
  const task = shard.tasks.get(taskId);
  const run = shard.runs.get(runId);
  if (task?.runId === runId) task.state = state;
  world.messages.push({ channel: keys.done(shardNumber), text: runId });
  // A twin may be older than the run, where the run's id was admitted again later: it is not on it.
  if (!run?.tasks.delete(taskId) || run.tasks.size > 0) return { closed: false, blob: "" };
  removeEntries(shard, run);
  shard.runs.delete(runId);
  return { closed: true, blob: run.input?.kind === "blob" ? run.input.text : "" };
}
