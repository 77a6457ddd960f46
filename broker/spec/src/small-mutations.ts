import type { Edit, Mutation } from "./mutation.js";
import { idempotencyWorld, retentionWorld } from "./small-worlds.js";

/** A result that is found for longer than it is kept for its first reader. */
const CACHE = { ttl: 1, resultTtl: 2, window: 3, slack: 1, end: 7 };

/** Rules of how long keys live, and of Idempotency-Keys. */
export const smallMutations: readonly Mutation[] = [
  forgetful("kept-not-prolonged", "admit.lua answers from a result and does not prolong it", "Readable", [
    retention("run' = [run EXCEPT ![r].ends = Max(@, now + ResultTtl)]\n", "UNCHANGED run\n"),
  ]),
  forgetful("task-ends-early", "admit.lua keeps a task for less long than its result", "Readable", [
    retention(
      "deadline |-> now + Ttl,\n                                       ends |-> now + Ttl + Keep + Slack]]",
      "deadline |-> now + Ttl, ends |-> now + Ttl]]",
    ),
  ]),
  forgetful("join-forgotten", "admit.lua answers from a run that is gone, for its pointer is there", "Readable", [
    retention(
      `state == IF r = None THEN "none" ELSE run[r].st`,
      `state == IF r = None THEN "none" ELSE IF run[r].st = "none" THEN "SUCCESS" ELSE run[r].st`,
    ),
  ]),
  forgetful("made-twice", "admit.lua makes a run again whose task is forgotten", "Stable", [
    retention(`r == IF run[t].st # "none" THEN t ELSE digest.run`, "r == digest.run"),
  ]),
  forgetful(
    "counted-twice",
    "admit.lua counts a task again that its run knows, for its record is forgotten",
    "Counting",
    [retention("IF t \\in Members(r) THEN @ ELSE @ + 1", "@ + 1")],
  ),
  forgetful("made-again", "leave-run.lua writes the state of a task that Redis has forgotten", "Bounded", [
    retention("told == Known(t) /\\ task[t].run = r", "told == task[t].run \\in {r, None}"),
  ]),
  forgetful("left-elsewhere", "leave-run.lua writes the state of a task that is on another run by now", "Left", [
    retention("told == Known(t) /\\ task[t].run = r", "told == Known(t)"),
  ]),
  forgetful("stale-twin", "leave-run.lua counts a task off a run that is younger than the task", "OnRun", [
    retention("IF t \\notin Members(r) THEN run\n               ELSE IF", "IF"),
  ]),
  forgetful("result-without-end", "settle.lua stores a result without an end", "Bounded", [
    retention("!.st = st, !.ends = now + Keep]", "!.st = st]"),
  ]),
  forgetful("open-run-ends", "admit.lua gives an open run an end", "Bounded", [
    retention("!.live = 1, !.tasks[t] = now + Ttl]", "!.live = 1, !.ends = now + Ttl + Keep, !.tasks[t] = now + Ttl]"),
  ]),
  repeated(
    "release-any",
    "a refused attempt gives a key back that another one holds",
    { caughtBy: "OneTask", losses: 0 },
    [idempotency(" /\\ key.attempt = request[q].attempt", "")],
  ),
  repeated(
    "release-later",
    "an attempt that took a key over forgets it when it is refused",
    { caughtBy: "OneTask", losses: 0 },
    [idempotency("IF Mine(q) /\\ request[q].attempt = 1 THEN", "IF Mine(q) THEN")],
  ),
  repeated(
    "used-again",
    "a task id is used again when Redis may have forgotten the task",
    { caughtBy: "Once", losses: 0 },
    [idempotency(" \\/ (key.old /\\ ~key.admitted)", "")],
  ),
  repeated("key-unconfirmed", "202 is told before a replica has the key", { caughtBy: "OneTask", losses: 1 }, [
    idempotency("!.lasts = TRUE", "!.lasts = FALSE"),
  ]),
  repeated(
    "bound-again-as-first",
    "a key that was lost is bound again as by a first attempt",
    { caughtBy: "OneTask", losses: 1 },
    [idempotency("Bound(request[q].task, request[q].attempt)", "Bound(request[q].task, 1)")],
  ),
];

function forgetful(name: string, breaks: string, caughtBy: string, edits: readonly Edit[]): Mutation {
  return { name, breaks, caughtBy, edits, world: retentionWorld(name, breaks, CACHE) };
}

function repeated(
  name: string,
  breaks: string,
  { caughtBy, losses }: { readonly caughtBy: string; readonly losses: number },
  edits: readonly Edit[],
): Mutation {
  return { name, breaks, caughtBy, edits, world: idempotencyWorld(name, breaks, { requests: 4, losses }) };
}

function retention(from: string, to: string): Edit {
  return { file: "retention.tla", from, to };
}

function idempotency(from: string, to: string): Edit {
  return { file: "idempotency.tla", from, to };
}
