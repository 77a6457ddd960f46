import type { World } from "./world.js";

/** What may go wrong in a world, as `faults.tla` names it. */
export type FaultKind =
  | "worker crash"
  | "worker pause"
  | "endpoint"
  | "batcher crash"
  | "batcher pause"
  | "cut"
  | "resend"
  | "pool"
  | "early"
  | "shard";

/** All faults of one Redis that keeps its data, but for a repeated admission. */
export const FAULTS: readonly FaultKind[] = [
  "worker crash",
  "worker pause",
  "endpoint",
  "batcher crash",
  "batcher pause",
  "cut",
  "pool",
  "early",
];

/** A world of `custody.tla`, as a person thinks of it. What is left out is as in `ONE_TASK`. */
export interface CustodyWorld {
  readonly name: string;
  readonly shows: string;
  /** The tasks of each shard. */
  readonly shards: readonly (readonly string[])[];
  /** Tasks with equal digests: none, or two and more of one shard. */
  readonly twins: readonly string[];
  readonly bulk: readonly string[];
  readonly bad: readonly string[];
  readonly deadly: readonly string[];
  readonly batchers: number;
  /** The slots of each gpu-worker. */
  readonly processes: readonly (readonly string[])[];
  /** Whether a batcher owns the shards from the beginning, which saves states. */
  readonly owned: boolean;
  readonly events: readonly ("cancel" | "deadline" | "window")[];
  readonly faultKinds: readonly FaultKind[];
  readonly maxFaults: number;
  readonly maxDeaths: number;
  /** At least `maxFaults`, or the faults alone make dead letters. */
  readonly maxAloneDeaths: number;
  /** Notices that a pool may hold. */
  readonly credits: number;
  readonly replica: boolean;
  /** Checked: what always holds, or also that everything comes to its end. */
  readonly check: "safety" | "all" | "ends";
}

/** The smallest world: one task, a batcher that owns its shard, two workers, nothing goes wrong. */
export const ONE_TASK: Omit<CustodyWorld, "name" | "shows"> = {
  shards: [["t1"]],
  twins: [],
  bulk: [],
  bad: [],
  deadly: [],
  batchers: 1,
  processes: [["w1"], ["w2"]],
  owned: true,
  events: [],
  faultKinds: [],
  maxFaults: 0,
  maxDeaths: 1,
  maxAloneDeaths: 1,
  credits: 2,
  replica: false,
  check: "safety",
};

const INVARIANTS = ["TypeOK", "Custody", "Counting", "OnRun", "Result", "DeadLetter", "Exclusive", "Alone"];

/** Turns it into what TLC takes. What looks alike at the beginning may be swapped, unless progress is checked. */
export function custodyWorld(world: CustodyWorld): World {
  const { name, shows, shards, processes, replica, check, twins } = world;
  const tasks = shards.flat();
  const batchers = Array.from({ length: world.batchers }, (_, index) => `b${index + 1}`);
  const progress = check !== "safety";
  // A failover may undo what was not confirmed: what was told stays, not every result.
  const steps = replica ? ["TwinsApart"] : ["Stable", "TwinsApart"];
  const alike = twins.length === tasks.length && world.bulk.length === 0;
  return {
    name,
    shows,
    module: "custody",
    specification: progress ? "Spec" : "Safety",
    names: [...tasks, ...batchers, ...processes.flat()],
    constants: {
      Shards: setOfSets(shards),
      Twins: set(twins),
      Bulk: set(world.bulk),
      Bad: set(world.bad),
      Deadly: set(world.deadly),
      Batchers: set(batchers),
      Processes: setOfSets(processes),
      Credits: String(world.credits),
      MaxDeaths: String(world.maxDeaths),
      MaxAloneDeaths: String(world.maxAloneDeaths),
      FirstOwner: world.owned ? "b1" : quote("none"),
      Events: set(world.events.map(quote)),
      FaultKinds: set(world.faultKinds.map(quote)),
      MaxFaults: String(world.maxFaults),
      Replica: replica ? "TRUE" : "FALSE",
    },
    ...(progress || world.owned ? {} : { symmetry: alike ? "AllAlike" : "Alike" }),
    invariants: check === "ends" ? [] : [...INVARIANTS, ...(replica ? ["Told"] : [])],
    properties: [...(check === "ends" ? [] : steps), ...(progress ? ["Ends"] : [])],
  };
}

const quote = (text: string): string => `"${text}"`;
const set = (items: readonly string[]): string => `{${items.join(", ")}}`;
const setOfSets = (sets: readonly (readonly string[])[]): string => set(sets.map(set));
