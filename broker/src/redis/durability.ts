import type { ServerFacts } from "./server-facts.js";

/**
 * When a task counts as accepted. `memory`: Redis has carried out the admission. `fsync`: it is on the master's disk.
 * `replicated`: so many replicas have it in memory.
 */
export type Durability =
  | { readonly level: "memory" }
  | { readonly level: "fsync" }
  | { readonly level: "replicated"; readonly replicas: number };

/** The command that confirms all writes sent before it on its connection. */
export interface Confirmation {
  readonly command: "WAIT" | "WAITAOF" | "CONFIG";
  readonly args: readonly (string | number)[];
  /** Whether its reply confirms them. */
  readonly holds: (reply: unknown) => boolean;
}

/** Longest wait for replicas. Then the outcome is unknown, and the admission is repeated. */
const WAIT_TIMEOUT_MS = 1_000;
/** Longest wait for the disk: with `appendfsync everysec` the next forced write may be more than a second away. */
const WAIT_AOF_TIMEOUT_MS = 3_000;
/** Longer than either. */
export const CONFIRM_TIMEOUT_MS = WAIT_AOF_TIMEOUT_MS;
/** Sharded publish and subscribe, and flags of scripts, came with it. */
const LEAST_VERSION = [7, 0] as const;

/**
 * How writes are confirmed; undefined at level `memory`, where the reply to the write says enough. Where the server
 * forces each write to the disk before it answers (`appendfsync always`), it only has to say that it still does: that
 * can be changed while it runs.
 * https://redis.io/docs/latest/commands/waitaof/ (since 7.2), https://redis.io/docs/latest/commands/wait/
 */
export function confirmationOf(durability: Durability, facts: ServerFacts): Confirmation | undefined {
  if (durability.level === "replicated") {
    const { replicas } = durability;
    return {
      command: "WAIT",
      args: [replicas, WAIT_TIMEOUT_MS],
      holds: (reply) => typeof reply === "number" && reply >= replicas,
    };
  }
  if (durability.level !== "fsync") return undefined;
  if (facts.appendFsync === "always") {
    return {
      command: "CONFIG",
      args: ["GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite"],
      holds: forcesEachWrite,
    };
  }
  // Its reply are two numbers: local disks, disks of replicas.
  const holds = (reply: unknown): boolean => Array.isArray(reply) && reply[0] === 1;
  return { command: "WAITAOF", args: [1, 0, WAIT_AOF_TIMEOUT_MS], holds };
}

/** @param reply names and values in turn. */
function forcesEachWrite(reply: unknown): boolean {
  if (!Array.isArray(reply)) return false;
  const valueOf = (name: string): unknown => reply[reply.indexOf(name) + 1];
  return (
    valueOf("appendonly") === "yes" &&
    valueOf("appendfsync") === "always" &&
    valueOf("no-appendfsync-on-rewrite") === "no"
  );
}

/** What makes it wrong to start on this server at all: no waiting mends it. */
export function obstaclesOf(durability: Durability, facts: ServerFacts): string[] {
  const obstacles: string[] = [];
  const [major = 0, minor = 0] = facts.version;
  if (major < LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor < LEAST_VERSION[1])) {
    obstacles.push(`Redis ${facts.version.join(".")} is older than ${LEAST_VERSION.join(".")}`);
  }
  if (durability.level === "fsync") {
    if (!facts.appendOnly) obstacles.push("durability fsync needs appendonly yes");
    else if (!facts.knowsWaitAof && facts.appendFsync !== "always") {
      obstacles.push("durability fsync needs WAITAOF (Redis 7.2), or appendfsync always");
    } else if (facts.appendFsync === "always" && facts.pausesFsync) {
      obstacles.push("durability fsync needs no-appendfsync-on-rewrite no");
    } else if (facts.appendFsync === "no") obstacles.push("durability fsync needs appendfsync always or everysec");
  }
  return obstacles;
}

/** What makes it wrong to accept work on this server at the moment, although it may mend while Sluice runs. */
export function doubtsOf(durability: Durability, facts: ServerFacts): string[] {
  const doubts: string[] = [];
  if (facts.maxmemoryPolicy !== "noeviction") {
    doubts.push(`maxmemory-policy is ${facts.maxmemoryPolicy}: Redis may throw accepted work away, set noeviction`);
  }
  if (facts.logFails) doubts.push("its log cannot be written, so it refuses all writes: is the disk full?");
  if (facts.snapshotFails) doubts.push("its last snapshot failed, so it refuses all writes: is the disk full?");
  if (durability.level === "replicated" && facts.replicas < durability.replicas) {
    doubts.push(`${facts.replicas} of ${durability.replicas} replicas are connected`);
  }
  return doubts;
}

/** What may break a promise in a failover although the server does what was asked of it. */
export function risksOf(durability: Durability, facts: ServerFacts): string[] {
  if (durability.level !== "replicated" || facts.replicas <= durability.replicas) return [];
  return [
    `${facts.replicas} replicas are connected and ${durability.replicas} confirm: a failover may promote one that did not`,
  ];
}
