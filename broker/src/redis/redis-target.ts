import { BrokerError } from "../errors.js";

/** Where Redis is: one server, some nodes of a Cluster, or the Sentinels that know which server is the master. */
export interface RedisTarget {
  readonly kind: "single" | "cluster" | "sentinel";
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** What the Sentinels call it; only of kind `sentinel`. */
  readonly masterName?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
}

/** Scheme, variant, user, password, hosts, name of the master. */
const URL_FORM = /^(rediss?)(-cluster|\+sentinel)?:\/\/(?:([^:@]*)(?::([^@]*))?@)?([^/?#]+)(?:\/|\/([\w.-]+))?$/;
const KINDS: Readonly<Record<string, RedisTarget["kind"]>> = { "-cluster": "cluster", "+sentinel": "sentinel" };

/**
 * Reads `redis://[user:password@]host:port` (or `rediss://` for TLS), for a Cluster
 * `redis-cluster://host:port,host:port,...` (or `rediss-cluster://`), and for the Sentinels of a master
 * `redis+sentinel://host:port,host:port/MASTER` (or `rediss+sentinel://`; user and password are those of the master).
 * @throws BrokerError config-invalid
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = URL_FORM.exec(url);
  if (!match) throw new BrokerError("config-invalid", `not a Redis URL: ${withoutPassword(url)}`);
  const [, scheme, variant = "", username, password, hosts = "", masterName] = match;
  const kind = KINDS[variant] ?? "single";
  const nodes = hosts.split(",").map((host) => parseHost(host, url, kind === "sentinel" ? 26_379 : 6379));
  if ((kind === "sentinel") !== (masterName !== undefined)) {
    throw new BrokerError("config-invalid", `only Sentinels have the name of a master: ${withoutPassword(url)}`);
  }
  if (kind === "single" && nodes.length !== 1) {
    throw new BrokerError("config-invalid", `a single Redis has one address: ${withoutPassword(url)}`);
  }
  return {
    kind,
    nodes,
    ...(masterName ? { masterName } : {}),
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    tls: scheme === "rediss",
  };
}

function parseHost(text: string, url: string, usualPort: number): { host: string; port: number } {
  const match = /^(\[[0-9a-f:]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(text);
  const port = Number(match?.[2] ?? usualPort);
  if (!match?.[1] || port < 1 || port > 65_535) {
    throw new BrokerError("config-invalid", `not a host and port in a Redis URL: ${withoutPassword(url)}`);
  }
  return { host: match[1].replace(/^\[|\]$/g, ""), port };
}

function withoutPassword(url: string): string {
  return url.replace(/:\/\/[^@]*@/, "://***@");
}
