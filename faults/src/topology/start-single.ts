import { startTcpLink, type TcpLink } from "../proxy/tcp-link.js";
import { startRedisNode } from "./redis-node.js";
import type { Topology, TopologyOptions } from "./topology.js";

/** Starts one redis-server. Each process of a role gets a link of its own to it. */
export async function startSingle(dir: string, { server = {} }: TopologyOptions = {}): Promise<Topology> {
  const { args = [], ...rest } = server;
  const node = await startRedisNode({ name: "redis", dir, args: () => args, ...rest });
  const links = new Map<string, TcpLink>();
  return {
    kind: "S",
    nodes: [node],
    links: () => [...links.values()],
    async urlFor(processName) {
      const link =
        links.get(processName) ?? (await startTcpLink({ name: `${processName}>redis`, targetPort: node.port }));
      links.set(processName, link);
      return `redis://${link.address}`;
    },
    adminUrl: () => `redis://127.0.0.1:${node.port}`,
    masters: async () => (node.isRunning() ? [node] : []),
    masterOfShard: async () => node,
    sentinels: [],
    envFor: () => ({}),
    sourceAddressOf: () => undefined,
    isWhole: async () => node.isRunning() && (await node.command("PING")) === "PONG",
    async stop() {
      await Promise.all([...links.values()].map((link) => link.stop()));
      await node.stop();
    },
  };
}
