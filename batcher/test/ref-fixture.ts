import type { Ref } from "@sluice/broker";

let refs = 0;

/** A reference like one of a ready stream, with a run of its own unless one is given. */
export function refOf(given: Partial<Ref> = {}): Ref {
  const number = ++refs;
  const admittedMs = given.admittedMs ?? number;
  return {
    runId: `run-${number}`,
    shard: 0,
    entryId: `${admittedMs}-${number}`,
    admittedMs,
    lane: "m:1:local:now",
    digest: `digest-${number}`,
    deadlineMs: Infinity,
    cost: 1,
    signature: "",
    ...given,
  };
}
