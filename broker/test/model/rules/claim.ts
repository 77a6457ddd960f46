import { encodeFailure, keys, MAX_ALONE_DEATHS, MAX_DEATHS, type RunPlace } from "../../../src/index.js";
import { EntryId, type Expected, isBefore, type Moment, Remaining, timeOf } from "../unknown.js";
import { type Run, shardOf, type World } from "../world.js";
import { removeEntries } from "./streams.js";

/** A slot's claim. */
export interface Claim {
  readonly slot: string;
  readonly batchId: string;
  readonly leaseMs: number;
  readonly keepMs: number;
  /** One run by order, with nothing beside it in its process. */
  readonly solo: boolean;
}

/** What a slot gets of one run. */
export function claim(world: World, now: Moment, place: RunPlace, by: Claim): Record<string, Expected> {
  const run = shardOf(world, place.shard).runs.get(place.runId);
  const me = `${by.slot} ${by.batchId}`;
  if (run?.state !== "OPEN") return { kind: "closed" };
  const held = run.claim === "free" ? undefined : run.claim;
  if (held && held.worker !== me && isBefore(timeOf(now), held.lease)) {
    return { kind: "leased", remainingMs: new Remaining(held.lease, now) };
  }
  const needsAlone = (run.deaths ?? 0) >= MAX_DEATHS;
  if (needsAlone && !by.solo) return { kind: "apart" };
  if (isBefore(run.deadline, timeOf(now))) return { kind: "late" };
  if (by.solo && (run.aloneDeaths ?? 0) >= MAX_ALONE_DEATHS) {
    const failure = { code: "worker-died", message: "the workers that ran this input died each time" } as const;
    bury(world, now, place, { reason: failure.code, error: latin1(encodeFailure(failure)), record: "" }, by.keepMs);
    world.messages.push({ channel: keys.done(place.shard), text: place.runId });
    return { kind: "dead" };
  }
  run.attempts = (run.attempts ?? 0) + (held?.worker === me ? 0 : 1);
  run.claim = { lease: timeOf(now).plus(by.leaseMs), worker: me };
  run.alone = needsAlone;
  return { kind: "claimed", attempts: run.attempts, inputKind: run.input?.kind, input: run.input?.text };
}

/** Ends the lease of one slot and batch [R7]. */
export function unclaim(
  world: World,
  place: RunPlace,
  holder: { readonly slot: string; readonly batchId: string; readonly kind: "died" | "returned" },
): Expected {
  const run = shardOf(world, place.shard).runs.get(place.runId);
  if (run?.state !== "OPEN" || !run.claim || run.claim === "free") return "other";
  if (run.claim.worker !== `${holder.slot} ${holder.batchId}`) return "other";
  if (holder.kind === "died") countDeath(run);
  run.claim = "free";
  run.alone = false;
  return "unclaimed";
}

/** A death alone counts to the dead letter, any other to running alone [R12]. */
function countDeath(run: Run): void {
  run.deaths = (run.deaths ?? 0) + (run.alone ? 0 : 1);
  run.aloneDeaths = (run.aloneDeaths ?? 0) + (run.alone ? 1 : 0);
  run.claim = "free";
  run.alone = false;
}

/** What became of a published reference. */
export function lookUp(world: World, now: Moment, shard: number, runId: string): Record<string, Expected> {
  const run = shardOf(world, shard).runs.get(runId);
  if (run?.state !== "OPEN") return run ? { kind: "closed", ended: run.state } : { kind: "closed" };
  if (run.claim && run.claim !== "free" && isBefore(timeOf(now), run.claim.lease)) {
    return { kind: "leased", remainingMs: new Remaining(run.claim.lease, now) };
  }
  return { kind: (run.deaths ?? 0) >= MAX_DEATHS ? "apart" : "ready" };
}

/** How a run failed. */
export interface Failure {
  readonly reason: string;
  /** As its tasks are told. */
  readonly error: string;
  readonly record: string;
}

/** A run fails: its input is kept as a dead letter. */
export function bury(
  world: World,
  now: Moment,
  { shard: shardNumber, runId }: RunPlace,
  ...[failure, keepMs]: [Failure, number]
): void {
  const shard = shardOf(world, shardNumber);
  const run = shard.runs.get(runId);
  if (!run) throw new Error("only a run that is there can be buried");
  const { lane, digest, signature, cost, attempts = 0, input } = run;
  const fields = {
    ...{ run: runId, lane, digest, signature, cost: String(cost) },
    input: input?.kind === "input" ? input.text : "",
    blob: input?.kind === "blob" ? input.text : "",
    ...{ attempts: String(attempts), reason: failure.reason, error: failure.error },
  };
  run.letter = new EntryId();
  (shard.dead ??= []).push({ id: run.letter, fields });
  run.state = "FAILED";
  end(run, now, failure.error, failure.record);
  run.expires = timeOf(now).plus(keepMs);
  removeEntries(shard, run);
}

/** What is left of a run that has ended: no input, no lease. */
export function end(run: Run, now: Moment, value: string, record: string): void {
  run.end = { value, record, finished: timeOf(now) };
  run.input = undefined;
  delete run.claim;
}

/** Bytes as text, one character each. */
export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
