import type { Run, Shard, Task, World } from "./world.js";

/** Watches that a world keeps the promise, whatever the rules of the model say. */
export interface PromiseWatch {
  /** @throws Error that names what is broken. */
  check(world: World): void;
}

/** What a watch has seen. */
interface Seen {
  /** The first terminal answer of each task that is remembered. */
  readonly told: Map<string, string>;
  /** Tasks whose answer is no longer kept: their run was forgotten after it had ended. */
  readonly gone: Set<string>;
}

/**
 * The promise itself, apart from the model's rules: open work is in custody, and nothing else is; an accepted task is
 * on a run that is open or done, and its first terminal answer never changes; all for as long as it is remembered.
 */
export function createPromise(): PromiseWatch {
  const seen: Seen = { told: new Map(), gone: new Set() };
  return {
    check(world) {
      const tasks = [...world.shards.values()].flatMap((shard) => [...shard.tasks.keys()]);
      for (const taskId of seen.told.keys()) if (!tasks.includes(taskId)) seen.told.delete(taskId);
      for (const taskId of seen.gone) if (!tasks.includes(taskId)) seen.gone.delete(taskId);
      for (const shard of world.shards.values()) {
        for (const [taskId, task] of shard.tasks) checkTask(seen, shard, taskId, task);
        checkCustody(shard);
      }
    },
  };
}

function checkTask({ told, gone }: Seen, shard: Shard, taskId: string, task: Task): void {
  const run = shard.runs.get(task.runId);
  if (!task.state && !run) {
    if (!told.has(taskId) && !gone.has(taskId)) throw new Error(`${taskId} was accepted and is lost`);
    gone.add(taskId);
  }
  if (gone.has(taskId)) return;
  const onIt = run?.state === "OPEN" && run.tasks.has(taskId);
  if (!task.state && run?.state === "OPEN" && !onIt) throw new Error(`${taskId} is not counted`);
  if (task.state && onIt) throw new Error(`${taskId} has left ${task.runId} and is counted`);
  const answer = task.state ?? (run?.end && `${run.state} ${run.end.value}`);
  const before = told.get(taskId);
  if (before !== undefined && before !== answer) {
    throw new Error(`the answer of ${taskId} changed from ${before} to ${answer ?? "none"}`);
  }
  if (answer !== undefined) told.set(taskId, answer);
}

/** Every open run has its entries, and every entry an open run; it is leased only while it is open. */
function checkCustody(shard: Shard): void {
  const open = [...shard.runs].filter(([, run]) => run.state === "OPEN");
  const expected = open.flatMap(([runId, run]) => [runId, ...(run.now ? [runId] : [])]).sort();
  const refs = [...shard.ready.values()].flatMap(({ entries }) => entries.flatMap(({ ref }) => ref?.runId ?? []));
  if (refs.sort().join() !== expected.join()) throw new Error(`in custody: ${refs.join()}, open: ${expected.join()}`);
  for (const [runId, run] of shard.runs) checkRun(runId, run);
}

function checkRun(runId: string, { state, tasks, expires, claim }: Run): void {
  if (state !== "OPEN" && claim) throw new Error(`${runId} is ${state} and leased`);
  if (state === "OPEN" && tasks.size === 0) throw new Error(`${runId} is open for nobody`);
  if (state === "OPEN" && expires) throw new Error(`${runId} is open and would be forgotten`);
}
