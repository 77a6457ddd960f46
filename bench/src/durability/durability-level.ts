import type { Durability } from "@sluice/broker";

/** A level of durability and the server that it is measured on. */
export interface DurabilityLevel {
  readonly name: string;
  readonly durability: Durability;
  /** How often the master forces its log to the disk (`appendfsync`). */
  readonly appendfsync: "everysec" | "always";
  readonly replicas: 0 | 1;
  /** Whether it cannot be had from a server without WAITAOF (Redis before 7.2). */
  readonly needsWaitAof: boolean;
}

/** The level that the others are set against. */
export const BASE_LEVEL = "memory";

/** All levels, and both ways to the disk. */
export const DURABILITY_LEVELS: readonly DurabilityLevel[] = [
  { name: BASE_LEVEL, durability: { level: "memory" }, appendfsync: "everysec", replicas: 0, needsWaitAof: false },
  {
    name: "fsync, appendfsync always",
    durability: { level: "fsync" },
    appendfsync: "always",
    replicas: 0,
    needsWaitAof: false,
  },
  {
    name: "fsync, WAITAOF",
    durability: { level: "fsync" },
    appendfsync: "everysec",
    replicas: 0,
    needsWaitAof: true,
  },
  {
    name: "replicated, 1 replica",
    durability: { level: "replicated", replicas: 1 },
    appendfsync: "everysec",
    replicas: 1,
    needsWaitAof: false,
  },
];
