import type { TcpLink } from "../proxy/tcp-link.js";
import type { RedisNode } from "./redis-node.js";

/**
 * How Redis is set up.
 * - `S`: one server, AOF everysec.
 * - `R`: a master, two replicas, three Sentinels.
 * - `C`: a Cluster of three masters with a replica each.
 */
export const TOPOLOGY_KINDS = ["S", "R", "C"] as const;

/** One of them. */
export type TopologyKind = (typeof TOPOLOGY_KINDS)[number];

/** Real redis-servers of one setup, which faults can be done to. */
export interface Topology {
  readonly kind: TopologyKind;
  readonly nodes: readonly RedisNode[];
  /** Links in front of the servers; those in front of one role's connections on `S`. Grows with `urlFor`. */
  links(): readonly TcpLink[];
  /** The `REDIS_URL` of one process of a role. On `S` a link of its own, else the links of the servers. */
  urlFor(processName: string): Promise<string>;
  /** The harness's own way in; no link of a role is on it. */
  adminUrl(): string;
  /** The nodes that are masters now, as they say themselves; those that do not answer are left out. */
  masters(): Promise<RedisNode[]>;
  /** The masters of these shards now, one for each. */
  masterOfShard(shard: number): Promise<RedisNode | undefined>;
  /** Those of `R`, in no order. */
  readonly sentinels: readonly SentinelProcess[];
  /** More variables of one process of a role, so that it can be told from others by where it comes from. */
  envFor(processName: string): Readonly<Record<string, string>>;
  /** Where the connections of a process come from; undefined where nobody can be told from others. */
  sourceAddressOf(processName: string): string | undefined;
  /** Makes a dead server come back as a replica of the present master, as orchestrators do; only on `R`. */
  beforeReturn?(node: RedisNode): Promise<void>;
  /** Adds a master without slots and a replica of it; only on `C`. */
  addPair?(): Promise<AddedPair>;
  /** Whether everything that was acknowledged would survive the loss of any one node: replicas are connected. */
  isWhole(): Promise<boolean>;
  /** Stops links and servers. */
  stop(): Promise<void>;
}

/** A Sentinel. It remembers what it has seen in a file of its own. */
export interface SentinelProcess {
  readonly name: string;
  readonly port: number;
  /** SIGKILL, and wait. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A master and its replica that are no part of the topology's nodes. */
export interface AddedPair {
  readonly master: RedisNode;
  readonly replica: RedisNode;
  /** Makes all nodes forget them, and stops them. The master must not hold slots any more. */
  remove(): Promise<void>;
}

/** How to start one, beyond what it is. */
export interface TopologyOptions {
  /** `C`: every server and every process comes from an address of its own, and the cluster's bus goes through links. */
  readonly separable?: boolean;
  /** `S`: how the one server is run. */
  readonly server?: ServerOptions;
}

/** How a redis-server is run otherwise than by default. */
export interface ServerOptions {
  /** More variables of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** In redis-server's form; they stand last: `["--appendfsync", "always"]`. */
  readonly args?: readonly string[];
  /** A file of settings that stands before all arguments; it may be empty. */
  readonly configFile?: string;
}

/** How many replicas a master has: so many must confirm a write if any of them may be promoted. */
export const REPLICAS_OF_MASTER: Readonly<Record<TopologyKind, number>> = { S: 0, R: 2, C: 1 };

/** What makes the roles wait for all replicas; nothing where there are none. */
export function replicatedEnv(kind: TopologyKind): Record<string, string> {
  const replicas = REPLICAS_OF_MASTER[kind];
  return replicas === 0 ? {} : { DURABILITY: "replicated", DURABILITY_REPLICAS: String(replicas) };
}

/** Waits until it is whole. @throws Error after `timeoutMs`. */
export async function waitUntilWhole(topology: Topology, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await topology.isWhole().catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error(`topology ${topology.kind} is not whole after ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
