import { EntryId, type Expected, later, type Moment, timeOf, Words } from "../unknown.js";
import { createStream, type Run, type Shard, shardOf, type Stream, type World } from "../world.js";

/** What `admit` is told of a task. */
export interface Admission {
  readonly taskId: string;
  readonly owner: string;
  readonly shard: number;
  readonly digest: string;
  readonly lane: string;
  readonly ttlMs: number;
  readonly cost: number;
  readonly signature: string;
  readonly input: { readonly kind: "input" | "blob"; readonly text: string };
  readonly maxDepth: number;
  readonly maxTwins: number;
  /** How long the task is kept after its deadline, the pointer from now, and a kept result from now at least. */
  readonly taskKeepMs: number;
  readonly pointerMs: number;
  readonly resultKeepMs: number;
}

/** Makes a lane's stream, if it is missing. */
export function openLane(shard: Shard, lane: string): Stream {
  const stream = shard.ready.get(lane) ?? createStream();
  shard.ready.set(lane, stream);
  return stream;
}

/** A task joins the run of its digest while that is open or has a result [R1], else it begins one. */
export function admit(world: World, now: Moment, admission: Admission): Expected {
  const { taskId } = admission;
  const shard = shardOf(world, admission.shard);
  const known = shard.tasks.get(taskId);
  if (known) {
    known.expires = timeOf(now).plus(admission.ttlMs + admission.taskKeepMs);
    return { kind: "again", runId: known.runId };
  }
  // The task's record may be forgotten while runs still know the task.
  const target = shard.runs.has(taskId) ? taskId : (shard.digests.get(admission.digest)?.value ?? "");
  const run = shard.runs.get(target);
  if (run?.state === "SUCCESS") {
    attach(shard, now, admission, target);
    if (run.expires) run.expires = later(run.expires, timeOf(now).plus(admission.resultKeepMs));
    return { kind: "kept", runId: target };
  }
  if (run?.state === "OPEN") {
    if (!run.tasks.has(taskId) && run.tasks.size >= admission.maxTwins) {
      return { kind: "full", depth: run.tasks.size, limit: admission.maxTwins };
    }
    join(shard, now, admission, { run, runId: target });
    attach(shard, now, admission, target);
    return { kind: "joined", runId: target };
  }
  if (run && target === taskId) {
    attach(shard, now, admission, target);
    return { kind: "again", runId: target };
  }
  const depth = shard.ready.get(admission.lane)?.entries.length ?? 0;
  if (depth >= admission.maxDepth) return { kind: "full", depth, limit: admission.maxDepth };
  shard.runs.set(taskId, createRun(shard, now, admission));
  attach(shard, now, admission, taskId);
  shard.digests.set(admission.digest, { value: taskId, expires: timeOf(now).plus(admission.pointerMs) });
  return { kind: "created", runId: taskId, depth: depth + 1 };
}

function createRun(shard: Shard, now: Moment, admission: Admission): Run {
  const { lane, digest, cost, signature, input, ttlMs, taskId } = admission;
  const deadline = timeOf(now).plus(ttlMs);
  return {
    ...{ state: "OPEN", lane, digest, cost, signature, input, deadline },
    tasks: new Map([[taskId, deadline]]),
    hadTwins: false,
    admitted: timeOf(now),
    entry: addEntry(shard, now, admission, taskId),
  };
}

/** The run's deadline grows with its latest task; the first `now` twin of a `bulk` run lists it in its own lane too. */
function join(
  shard: Shard,
  now: Moment,
  admission: Admission,
  { run, runId }: { readonly run: Run; readonly runId: string },
): void {
  const { taskId, lane, ttlMs } = admission;
  const deadline = timeOf(now).plus(ttlMs);
  run.tasks.set(taskId, deadline);
  run.hadTwins = true;
  run.deadline = later(run.deadline, deadline);
  if (lane === run.lane || run.now || !lane.endsWith(":now")) return;
  run.now = { lane, entry: addEntry(shard, now, admission, runId) };
}

function attach(shard: Shard, now: Moment, admission: Admission, runId: string): void {
  const { taskId, owner, ttlMs, taskKeepMs } = admission;
  const deadline = timeOf(now).plus(ttlMs);
  shard.tasks.set(taskId, { owner, runId, deadline, expires: deadline.plus(taskKeepMs) });
}

function addEntry(shard: Shard, now: Moment, admission: Admission, runId: string): EntryId {
  const { lane, digest, ttlMs, cost, signature } = admission;
  const id = new EntryId();
  const words = [runId, digest, timeOf(now).plus(ttlMs), String(cost), signature];
  openLane(shard, lane).entries.push({ id, fields: ["ref", new Words(words)], ref: { runId, words }, deliveries: 0 });
  return id;
}
