import { cutReplicationOnly } from "./cut-replication.js";
import { failOverByHand } from "./fail-over-by-hand.js";
import { handOver } from "./hand-over.js";
import { losePair, losePoolPair } from "./lose-pair.js";
import { loseReplica, loseReplicas } from "./lose-replicas.js";
import { loseSentinels } from "./lose-sentinels.js";
import { pollsInFailover, pollsWithoutMessages } from "./long-polls.js";
import { partition } from "./partition.js";
import { reshardUnderLoad } from "./reshard-under-load.js";
import { growAndShrink, restartAllServers } from "./resize-and-restart.js";
import type { Outage } from "./run-outage.js";
import { sleepingMaster } from "./sleeping-master.js";

/** Small batches that take long, so that tasks wait for half a minute and poison is found soon. */
const SLOW = {
  oracle: { baseMs: 1_200, rowMs: 0, parallel: true },
  settings: { "batch.mode": "fixed", "batch.max_size": "16", lease_ms: "15000" },
} as const;
const CROWDS = [
  { callers: 2_000, tasks: 1_000 },
  { callers: 10_000, tasks: 2_500 },
] as const;
/** Longer than an api tries to find out how an admission ended. */
const PARTED_MS = 10_000;
/** A replica is enough where the old master is gone for good, or asleep. */
const ONE_REPLICA = { DURABILITY_REPLICAS: "1" } as const;
const MEMORY = { DURABILITY: "memory" } as const;

/** Every outage of servers that is brought about on purpose. */
export const OUTAGES: readonly Outage[] = [
  {
    name: "a master and an api are parted from the rest of the Cluster",
    world: { topology: "C", separable: true },
    perSecond: 60,
    act: partition(PARTED_MS),
    control: MEMORY,
  },
  {
    name: "only the replication of a master is cut, then it dies",
    world: { topology: "C", separable: true },
    perSecond: 60,
    act: cutReplicationOnly,
    control: MEMORY,
  },
  {
    name: "the replica of one master is away for a minute",
    world: { topology: "C" },
    perSecond: 40,
    act: loseReplica,
  },
  {
    name: "one replica is away, then both are for a minute",
    world: { topology: "R", env: ONE_REPLICA },
    perSecond: 40,
    act: loseReplicas,
  },
  {
    name: "a master and its replica are away for half a minute",
    world: { topology: "C" },
    perSecond: 40,
    act: losePair,
  },
  {
    name: "the master and the replica that hold the pool are away for half a minute",
    world: { topology: "C" },
    perSecond: 40,
    act: losePoolPair,
  },
  {
    name: "masters change places with their replicas 30 times",
    world: { topology: "C" },
    perSecond: 60,
    act: failOverByHand,
  },
  {
    name: "500 slots with a shard are moved and moved back",
    world: { topology: "C", separable: true },
    perSecond: 100,
    act: reshardUnderLoad,
  },
  {
    name: "a master and a replica are added, get a shard, and are removed",
    world: { topology: "C" },
    perSecond: 60,
    act: growAndShrink,
  },
  {
    name: "all six servers are restarted in turn",
    world: { topology: "C" },
    perSecond: 60,
    act: restartAllServers,
  },
  {
    name: "the master is asleep for half a minute and wakes up as a master",
    world: { topology: "R", env: ONE_REPLICA },
    perSecond: 60,
    act: sleepingMaster,
  },
  {
    name: "an operator hands over to a replica and tells the Sentinels later",
    world: { topology: "R" },
    perSecond: 60,
    act: handOver,
  },
  {
    name: "two of three Sentinels and the master die",
    world: { topology: "R" },
    perSecond: 40,
    act: loseSentinels,
  },
  ...CROWDS.flatMap((size): readonly Outage[] => [
    {
      name: `${size.callers} callers wait while the master is replaced`,
      world: { topology: "R", ...SLOW },
      perSecond: 20,
      act: pollsInFailover(size),
    },
    {
      name: `${size.callers} callers wait while no message arrives`,
      world: { topology: "R", ...SLOW },
      perSecond: 20,
      act: pollsWithoutMessages(size),
    },
  ]),
];
