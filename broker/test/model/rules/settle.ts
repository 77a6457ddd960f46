import { encodeFailure, encodeOutput, encodeRecord, keys, type Settlement } from "../../../src/index.js";
import { type Expected, type Moment, timeOf } from "../unknown.js";
import { shardOf, type World } from "../world.js";
import { bury, end, latin1 } from "./claim.js";
import { removeEntries } from "./streams.js";

/** Settles runs of one shard, in order: a run must be open, whoever holds it, and the first result stays. */
export function settle(
  world: World,
  now: Moment,
  shardNumber: number,
  ...[settlements, keepMs]: [readonly Settlement[], number]
): Expected[] {
  const shard = shardOf(world, shardNumber);
  const done: string[] = [];
  const replies = settlements.map(({ runId, outcome, record: ranAs }) => {
    const run = shard.runs.get(runId);
    if (run?.state !== "OPEN") return "closed";
    const record = latin1(encodeRecord(ranAs));
    if (outcome.state === "SUCCESS") {
      run.state = "SUCCESS";
      end(run, now, latin1(encodeOutput(outcome.output)), record);
      removeEntries(shard, run);
      run.expires = timeOf(now).plus(keepMs);
    } else {
      const failure = { reason: outcome.failure.code, error: latin1(encodeFailure(outcome.failure)), record };
      bury(world, now, { shard: shardNumber, runId }, failure, keepMs);
    }
    done.push(runId);
    return "settled";
  });
  if (done.length > 0) world.messages.push({ channel: keys.done(shardNumber), text: done.join(" ") });
  return replies;
}
