import { BrokerError } from "../errors.js";

/** Where Redis is: one server, or some nodes of a Cluster. */
export interface RedisTarget {
  readonly kind: "single" | "cluster";
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

/**
 * Reads `redis://[user:password@]host:port` (or `rediss://` for TLS), and for a Cluster
 * `redis-cluster://host:port,host:port,...` (or `rediss-cluster://`).
 * @throws BrokerError config-invalid
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = /^(rediss?)(-cluster)?:\/\/(?:([^:@]*)(?::([^@]*))?@)?([^/?#]+)\/?$/.exec(url);
  if (!match) throw new BrokerError("config-invalid", `not a Redis URL: ${withoutPassword(url)}`);
  const [, scheme, cluster, username, password, hosts = ""] = match;
  const nodes = hosts.split(",").map((host) => parseHost(host, url));
  if (!cluster && nodes.length !== 1) {
    throw new BrokerError("config-invalid", `a single Redis has one address: ${withoutPassword(url)}`);
  }
  return {
    kind: cluster ? "cluster" : "single",
    nodes,
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    tls: scheme === "rediss",
  };
}

function parseHost(text: string, url: string): { host: string; port: number } {
  const match = /^(\[[0-9a-f:]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(text);
  const port = Number(match?.[2] ?? 6379);
  if (!match?.[1] || port < 1 || port > 65_535) {
    throw new BrokerError("config-invalid", `not a host and port in a Redis URL: ${withoutPassword(url)}`);
  }
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}

function withoutPassword(url: string): string {
  return url.replace(/:\/\/[^@]*@/, "://***@");
}
