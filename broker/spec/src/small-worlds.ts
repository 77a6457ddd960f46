import type { World } from "./world.js";

/** Times of `retention.tla`, in ticks of its clock. */
export interface RetentionTimes {
  /** From the admission of a task to its deadline. */
  readonly ttl: number;
  readonly resultTtl: number;
  /** How long later tasks find a run. */
  readonly window: number;
  readonly slack: number;
  /** When the clock stops: late enough for everything to be forgotten. */
  readonly end: number;
}

/** Two tasks with one digest, and a clock. */
export function retentionWorld(name: string, shows: string, times: RetentionTimes): World {
  const { ttl, resultTtl, window, slack, end } = times;
  return {
    name,
    shows,
    module: "retention",
    specification: "Spec",
    names: ["t1", "t2"],
    constants: {
      Tasks: "{t1, t2}",
      Ttl: String(ttl),
      ResultTtl: String(resultTtl),
      Window: String(window),
      Slack: String(slack),
      End: String(end),
    },
    invariants: ["Readable", "Bounded", "Counting", "OnRun"],
    symmetry: "Symmetry",
    properties: ["Stable", "Left"],
  };
}

/** Some requests with one Idempotency-Key, and how often a failover loses something of it. */
export function idempotencyWorld(
  name: string,
  shows: string,
  { requests, losses }: { readonly requests: number; readonly losses: number },
): World {
  const names = Array.from({ length: requests }, (_, index) => `q${index + 1}`);
  return {
    name,
    shows,
    module: "idempotency",
    specification: "Spec",
    names,
    constants: { Requests: `{${names.join(", ")}}`, Losses: String(losses) },
    invariants: ["OneTask", "Replayed", "Once"],
    symmetry: "Symmetry",
    properties: [],
  };
}
