import { withFreePorts } from "@sluice/stack";

import { startTcpLink, type TcpLink } from "../proxy/tcp-link.js";
import { type RedisNode, type RedisNodeSpec, startRedisNode } from "./redis-node.js";
import { serverAddress } from "./source-address.js";
import type { TopologyOptions } from "./topology.js";

/** Starts a server that may become a node of a Cluster with a node timeout of 2 s. */
export async function startClusterNode(
  dir: string,
  index: number,
  { separable = false }: TopologyOptions = {},
): Promise<RedisNode> {
  const name = `redis-${index + 1}`;
  return withFreePorts(1, async ([busPort = 0]) => {
    const busLink = separable ? await startTcpLink({ name: `bus>${name}`, targetPort: busPort }) : undefined;
    try {
      return await startRedisNode(nodeSpec(dir, index, busPort, busLink));
    } catch (error) {
      await busLink?.stop();
      throw error;
    }
  });
}

function nodeSpec(dir: string, index: number, busPort: number, busLink: TcpLink | undefined): RedisNodeSpec {
  const sourceAddress = busLink ? serverAddress(index) : undefined;
  return {
    name: `redis-${index + 1}`,
    dir,
    ...(busLink && sourceAddress ? { busLink, sourceAddress } : {}),
    args: (linkPort) => [
      ...["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", String(busPort)],
      ...["--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", String(linkPort)],
      ...(busLink ? ["--cluster-announce-bus-port", String(busLink.port)] : []),
      ...(sourceAddress ? ["--bind-source-addr", sourceAddress] : []),
      // A replica follows however long it was cut off, stays with its master, and a lost pair stops only its slots.
      ...["--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no"],
      ...["--cluster-require-full-coverage", "no", "--repl-timeout", "6", "--repl-ping-replica-period", "1"],
    ],
  };
}

/** Introduces a node to the first one of a Cluster, which tells the others. */
export async function meet(first: RedisNode, node: RedisNode): Promise<void> {
  const self = (await node.command("CLUSTER", "NODES")).split("\n").find((line) => line.includes("myself"));
  const busPort = /@(\d+)/.exec(self ?? "")?.[1] ?? "";
  await first.command("CLUSTER", "MEET", "127.0.0.1", String(node.link.port), busPort);
}

/** Tries for 10 s: a node that was just met is not known to all at once. */
export async function untilDone(action: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await action();
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
