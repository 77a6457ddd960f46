/** The processes that Sluice consists of, by the names of their folders. */
export const ROLES = ["api", "batcher", "gpu-worker"] as const;

/** One of them. */
export type Role = (typeof ROLES)[number];

/** The variable that tells each role on which port it answers HTTP. */
export const PORT_VARIABLE = {
  api: "PORT",
  batcher: "METRICS_PORT",
  "gpu-worker": "METRICS_PORT",
} as const satisfies Record<Role, string>;
