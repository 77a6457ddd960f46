/** The processes that Sluice consists of, by the names of their folders. */
export const ROLES = ["api", "batcher", "gpu-worker"] as const;

/** One of them. */
export type Role = (typeof ROLES)[number];

/** The variables that tell each role where it answers HTTP. */
export const HTTP_VARIABLES = {
  api: { host: "HOST", port: "PORT" },
  batcher: { host: "METRICS_HOST", port: "METRICS_PORT" },
  "gpu-worker": { host: "METRICS_HOST", port: "METRICS_PORT" },
} as const satisfies Record<Role, { host: string; port: string }>;

/** Where a role answers that is started with `env`: `http://HOST:PORT`. */
export function roleUrl(role: Role, env: Readonly<Record<string, string | undefined>>): string {
  const { host, port } = HTTP_VARIABLES[role];
  return `http://${reachable(env[host])}:${env[port] ?? ""}`;
}

/** A role that listens on all addresses, or on the usual one, is reached by way of the loopback. */
function reachable(host: string | undefined): string {
  if (host === undefined || host === "" || host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
