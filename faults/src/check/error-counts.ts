import type { RedisNode } from "../topology/redis-node.js";

/** How often these servers have answered with each error since they were started (`INFO errorstats`): `MOVED`, `ASK`. */
export async function countErrors(nodes: readonly RedisNode[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const node of nodes.filter((one) => one.isRunning())) {
    const text = await node.command("INFO", "errorstats");
    for (const [, name = "", count] of text.matchAll(/^errorstat_(\w+):count=(\d+)/gm)) {
      counts[name] = (counts[name] ?? 0) + Number(count);
    }
  }
  return counts;
}
