import type { CampaignOptions } from "../campaign/campaign-options.js";
import type { ScheduledFault } from "../schedule/fault.js";

/** A small campaign that is aimed at one rule. */
export type Scenario = Pick<
  CampaignOptions,
  "topology" | "tasks" | "kills" | "maxPerSecond" | "counts" | "schedule" | "quietMs" | "oracle" | "env"
> & {
  readonly name: string;
};

const step = (waitMs: number, fault: ScheduledFault["fault"]): ScheduledFault => ({ waitMs, fault, alone: false });
const few = { api: 1, batcher: 2, "gpu-worker": 2 } as const;
const common = { topology: "S", kills: 0, counts: few, maxPerSecond: 200, quietMs: 25_000 } as const;

const calm: Scenario = { ...common, name: "no fault", tasks: 900, schedule: [] };

/** Workers hang for longer than they are believed alive, and wake up with what they had in their hands. */
const zombies: Scenario = {
  ...common,
  name: "zombies",
  tasks: 1_600,
  schedule: [1, 2].flatMap((pick) => [
    step(600, { kind: "pause-role", role: "gpu-worker", pick, forMs: 4_500 }),
    step(3_000, { kind: "pause-role", role: "gpu-worker", pick: pick + 1, forMs: 300 }),
  ]),
};

/**
 * The oracle stops, so that all that is read stays in somebody's hands; before workers find out (1.2 s) and give it back,
 * everybody who holds it dies.
 */
const allHandsDie: Scenario = {
  ...common,
  name: "all hands die",
  tasks: 1_200,
  schedule: [
    step(1_000, { kind: "pause-oracle", forMs: 6_000 }),
    step(800, { kind: "kill-role", role: "batcher", pick: 0, downMs: 500 }),
    step(10, { kind: "kill-role", role: "batcher", pick: 1, downMs: 500 }),
    step(10, { kind: "kill-role", role: "gpu-worker", pick: 0, downMs: 500 }),
    step(10, { kind: "kill-role", role: "gpu-worker", pick: 1, downMs: 500 }),
  ],
};

/** Requests are carried out, and their replies are lost, while what they were about is still running. */
const lostReplies: Scenario = {
  ...common,
  counts: { api: 1, batcher: 1, "gpu-worker": 2 },
  name: "lost replies to the batcher",
  tasks: 1_200,
  oracle: { baseMs: 400, rowMs: 0, parallel: true },
  // Links are in the order in which processes asked for them: batchers, gpu-workers, apis.
  schedule: Array.from({ length: 12 }, () =>
    step(600, {
      kind: "link",
      group: "redis",
      pick: 0,
      fault: { kind: "cut-reply" },
      forMs: 60,
    }),
  ),
};

/** Commands of the api vanish on a dead connection, and Redis cannot be reached when that is found out. */
const lostRequests: Scenario = {
  ...common,
  counts: { api: 1, batcher: 1, "gpu-worker": 2 },
  name: "lost requests of the api",
  tasks: 1_200,
  schedule: [1, 2].flatMap(() => [
    step(1_000, { kind: "link", group: "redis", pick: 3, fault: { kind: "half-open" }, forMs: 600 }),
    step(700, { kind: "link", group: "redis", pick: 3, fault: { kind: "refuse" }, forMs: 2_500 }),
  ]),
};

/** The groups of the ready streams vanish while work waits in the streams. */
const lostGroups: Scenario = {
  ...common,
  name: "lost groups",
  tasks: 1_200,
  schedule: [
    step(1_000, { kind: "pause-role", role: "batcher", pick: 0, forMs: 2_000 }),
    step(10, { kind: "pause-role", role: "batcher", pick: 1, forMs: 2_000 }),
    step(900, { kind: "destroy-groups", pick: 0 }),
  ],
};

/** The oracle stops for longer than a short deadline, but not so long that workers take it for dead (1.2 s). */
const lateAnswers: Scenario = {
  ...common,
  name: "late answers",
  tasks: 3_000,
  schedule: Array.from({ length: 8 }, () => step(1_800, { kind: "pause-oracle", forMs: 1_000 })),
};

/** A worker dies with batches in its hands, again and again. */
const deadWorkers: Scenario = {
  ...common,
  name: "dead workers",
  tasks: 1_200,
  schedule: [0, 1, 2].flatMap((pick) => [
    step(800, { kind: "pause-oracle", forMs: 1_000 }),
    step(500, { kind: "kill-role", role: "gpu-worker", pick, downMs: 200 }),
  ]),
};

/** Masters and replicas of a Cluster die one after the other, so that a replica without the last writes takes over. */
const staleReplicas: Scenario = {
  ...common,
  topology: "C",
  name: "stale replicas",
  tasks: 2_400,
  quietMs: 40_000,
  schedule: [0, 1].map((pick) => step(1_500, { kind: "stale-failover", pick, forMs: 2_500 })),
};

/** All of them. */
export const SCENARIOS = {
  calm,
  zombies,
  allHandsDie,
  lostReplies,
  lostRequests,
  lostGroups,
  lateAnswers,
  deadWorkers,
  staleReplicas,
} as const;
