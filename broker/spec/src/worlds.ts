import { custodyWorld, FAULTS, ONE_TASK } from "./custody-world.js";
import { idempotencyWorld, retentionWorld } from "./small-worlds.js";
import type { World } from "./world.js";

/** A world, and how many states it has: with another number the specification is another one. */
export interface CountedWorld {
  readonly world: World;
  readonly distinctStates: number;
}

const TWINS = { ...ONE_TASK, shards: [["t1", "t2"]], twins: ["t1", "t2"] };
/** Two tasks that have nothing in common but batches and processes. */
const MATES = { ...ONE_TASK, shards: [["t1", "t2"]] };
const TWO_SHARDS = { ...ONE_TASK, shards: [["t1"], ["t2"]] };
const ONE_WORKER = [["w1"]];
/** Everything is checked, that all comes to its end too. */
const ALL = { check: "all" } as const;
const CRASHES = ["worker crash", "worker pause", "batcher crash", "batcher pause"] as const;

const CUSTODY_WORLDS: readonly CountedWorld[] = [
  {
    world: custodyWorld({
      ...ONE_TASK,
      name: "two-faults",
      shows: "one task between two batchers and two workers, with any two faults",
      batchers: 2,
      owned: false,
      events: ["cancel", "deadline"],
      faultKinds: FAULTS,
      maxFaults: 2,
      maxAloneDeaths: 2,
    }),
    distinctStates: 87745,
  },
  {
    world: custodyWorld({
      ...ONE_TASK,
      name: "three-faults",
      shows: "one task, one batcher and two workers, with any three faults",
      owned: false,
      faultKinds: FAULTS,
      maxFaults: 3,
      maxAloneDeaths: 3,
    }),
    distinctStates: 70147,
  },
  {
    world: custodyWorld({
      ...TWINS,
      name: "twins",
      shows: "a run that two tasks wait for, between two batchers",
      batchers: 2,
      processes: ONE_WORKER,
      owned: false,
      events: ["cancel", "deadline", "window"],
      faultKinds: FAULTS,
      maxFaults: 1,
    }),
    distinctStates: 291765,
  },
  {
    world: custodyWorld({
      ...TWINS,
      name: "twins-two-workers",
      shows: "a run that two tasks wait for, between two workers",
      owned: false,
      events: ["cancel", "deadline"],
      faultKinds: ["worker crash", "worker pause", "endpoint", "batcher crash", "cut", "pool", "early"],
      maxFaults: 1,
    }),
    distinctStates: 96599,
  },
  {
    world: custodyWorld({
      ...TWINS,
      name: "crashes",
      shows: "a run of twins, with two crashes or pauses of batchers and workers",
      batchers: 2,
      owned: false,
      faultKinds: CRASHES,
      maxFaults: 2,
      maxAloneDeaths: 2,
    }),
    distinctStates: 21098,
  },
  {
    world: custodyWorld({
      ...TWINS,
      name: "promoted",
      shows: "a now twin of a bulk run gives it a second entry",
      bulk: ["t1"],
      batchers: 2,
      processes: ONE_WORKER,
      owned: false,
      events: ["cancel"],
      faultKinds: FAULTS,
      maxFaults: 1,
    }),
    distinctStates: 32425,
  },
  {
    world: custodyWorld({
      ...TWINS,
      name: "resend",
      shows: "admissions of twins are sent again at any time, beside a crash",
      processes: ONE_WORKER,
      owned: false,
      events: ["cancel", "deadline", "window"],
      faultKinds: ["resend", "worker crash"],
      maxFaults: 2,
      maxAloneDeaths: 2,
    }),
    distinctStates: 76865,
  },
  {
    world: custodyWorld({
      ...ONE_TASK,
      name: "failover",
      shows: "a replica of the shard that lags behind, with two of failovers, crashes and pauses",
      owned: false,
      events: ["cancel"],
      faultKinds: [...CRASHES, "shard"],
      maxFaults: 2,
      maxAloneDeaths: 2,
      replica: true,
    }),
    distinctStates: 216390,
  },
  {
    world: custodyWorld({
      ...TWINS,
      name: "twins-failover",
      shows: "twins, and a failover of their shard",
      processes: ONE_WORKER,
      owned: false,
      events: ["cancel"],
      faultKinds: ["shard"],
      maxFaults: 1,
      replica: true,
    }),
    distinctStates: 249734,
  },
];

/** Worlds in which everything must also come to its end. */
const ENDING_WORLDS: readonly CountedWorld[] = [
  {
    world: custodyWorld({
      ...ONE_TASK,
      ...ALL,
      name: "one-task-ends",
      shows: "one task comes to its end between two batchers, with any two faults",
      batchers: 2,
      processes: ONE_WORKER,
      events: ["cancel", "deadline"],
      faultKinds: FAULTS,
      maxFaults: 2,
      maxAloneDeaths: 2,
    }),
    distinctStates: 31987,
  },
  {
    world: custodyWorld({
      ...TWINS,
      ...ALL,
      name: "twins-end",
      shows: "both twins come to their ends, with any fault",
      processes: ONE_WORKER,
      events: ["cancel", "deadline"],
      faultKinds: FAULTS,
      maxFaults: 1,
    }),
    distinctStates: 73367,
  },
  {
    world: custodyWorld({
      ...MATES,
      ...ALL,
      name: "bad-ends",
      shows: "an input that the model refuses fails, its mate succeeds",
      bad: ["t1"],
      faultKinds: FAULTS,
      maxFaults: 1,
    }),
    distinctStates: 23183,
  },
  {
    world: custodyWorld({
      ...MATES,
      ...ALL,
      name: "deadly-ends",
      shows: "an input that kills its workers becomes a dead letter, its mate succeeds",
      deadly: ["t1"],
      faultKinds: ["worker crash"],
      maxFaults: 1,
      maxAloneDeaths: 2,
    }),
    distinctStates: 4592,
  },
  {
    world: custodyWorld({
      ...MATES,
      ...ALL,
      name: "slots-end",
      shows: "the same where both batches may be in slots of one process",
      deadly: ["t1"],
      processes: [["w1", "w2"]],
      faultKinds: ["worker crash", "endpoint"],
      maxFaults: 1,
    }),
    distinctStates: 11186,
  },
  {
    world: custodyWorld({
      ...TWO_SHARDS,
      ...ALL,
      name: "two-shards-end",
      shows: "a batch of two shards, one of which may not answer",
      events: ["cancel"],
      faultKinds: FAULTS,
      maxFaults: 1,
    }),
    distinctStates: 92071,
  },
  {
    world: custodyWorld({
      ...TWO_SHARDS,
      ...ALL,
      name: "two-shards-failover",
      shows: "a batch of two shards, and a failover of one of them",
      processes: ONE_WORKER,
      faultKinds: ["shard"],
      maxFaults: 1,
      replica: true,
    }),
    distinctStates: 61376,
  },
  {
    world: custodyWorld({
      ...ONE_TASK,
      ...ALL,
      name: "failover-ends",
      shows: "an accepted task comes to its end through a failover and another fault",
      processes: ONE_WORKER,
      faultKinds: [...FAULTS, "shard"],
      maxFaults: 2,
      maxAloneDeaths: 2,
      replica: true,
    }),
    distinctStates: 42371,
  },
];

const SMALL_WORLDS: readonly CountedWorld[] = [
  {
    world: idempotencyWorld("idempotency", "four requests with one Idempotency-Key, each may stop anywhere", {
      requests: 4,
      losses: 0,
    }),
    distinctStates: 4598,
  },
  {
    world: idempotencyWorld("idempotency-failover", "the same, where failovers lose what was not confirmed, twice", {
      requests: 4,
      losses: 2,
    }),
    distinctStates: 52454,
  },
  {
    world: retentionWorld("retention", "everything is forgotten in time, and nothing too early", {
      ttl: 1,
      resultTtl: 2,
      window: 1,
      slack: 1,
      end: 7,
    }),
    distinctStates: 152090,
  },
  {
    world: retentionWorld(
      "retention-cache",
      "the same, where a result answers later tasks for longer than it is kept",
      {
        ttl: 1,
        resultTtl: 2,
        window: 3,
        slack: 1,
        end: 7,
      },
    ),
    distinctStates: 277096,
  },
];

/** The worlds in which the specifications are checked. */
export const worlds: readonly CountedWorld[] = [...SMALL_WORLDS, ...CUSTODY_WORLDS, ...ENDING_WORLDS];
