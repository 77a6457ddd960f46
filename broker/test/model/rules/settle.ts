import { encodeFailure, encodeOutput, encodeRecord, keys, type Settlement } from "../../../src/index.js";
import { type Expected, type Moment, timeOf } from "../unknown.js";
import { shardOf, type World } from "../world.js";
import { bury, end, latin1 } from "./claim.js";
import { removeEntries } from "./streams.js";

/** Bytes of a result that goes with its wake-up, at most. */
const CARRIED_BYTES = 1_024;

/**
 * Settles runs of one shard, in order: a run must be open, whoever holds it, and the first result stays. The wake-up has
 * the small results of runs that never had twins.
 */
export function settle(
  world: World,
  now: Moment,
  shardNumber: number,
  ...[settlements, keepMs]: [readonly Settlement[], number]
): Expected[] {
  const shard = shardOf(world, shardNumber);
  const done: string[] = [];
  let results = "";
  const replies = settlements.map(({ runId, outcome, record: ranAs }) => {
    const run = shard.runs.get(runId);
    if (run?.state !== "OPEN") return "closed";
    const record = latin1(encodeRecord(ranAs));
    let wakeUp = runId;
    if (outcome.state === "SUCCESS") {
      run.state = "SUCCESS";
      const output = latin1(encodeOutput(outcome.output));
      end(run, now, output, record);
      if (!run.hadTwins && output.length + record.length <= CARRIED_BYTES) {
        wakeUp = [runId, run.lane, output.length, record.length].join();
        results += output + record;
      }
      removeEntries(shard, run);
      run.expires = timeOf(now).plus(keepMs);
    } else {
      const failure = { reason: outcome.failure.code, error: latin1(encodeFailure(outcome.failure)), record };
      bury(world, now, { shard: shardNumber, runId }, failure, keepMs);
    }
    done.push(wakeUp);
    return "settled";
  });
  if (done.length > 0)
    world.messages.push({ channel: keys.done(shardNumber), text: done.join(" ") + (results && `\n${results}`) });
  return replies;
}
