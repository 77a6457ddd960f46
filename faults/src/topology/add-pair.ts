import { meet, startClusterNode, untilDone } from "./cluster-node.js";
import type { RedisNode } from "./redis-node.js";
import type { AddedPair } from "./topology.js";

/**
 * Adds a master without slots and a replica of it to a Cluster.
 * @param guests holds them as long as they are there.
 */
export async function addPair(dir: string, nodes: readonly RedisNode[], guests: Set<RedisNode>): Promise<AddedPair> {
  const [first] = nodes;
  if (first === undefined) throw new Error("the cluster has no nodes");
  const [master, replica] = [await startClusterNode(dir, nodes.length), await startClusterNode(dir, nodes.length + 1)];
  for (const guest of [master, replica]) {
    guests.add(guest);
    await meet(first, guest);
  }
  const masterId = await master.command("CLUSTER", "MYID");
  await untilDone(() => replica.command("CLUSTER", "REPLICATE", masterId));
  const isIn = async (node: RedisNode): Promise<boolean> => {
    const info = await node.command("CLUSTER", "INFO");
    return info.includes(`cluster_known_nodes:${nodes.length + 2}\r`) && info.includes("cluster_state:ok");
  };
  await untilDone(async () => {
    const areIn = await Promise.all([...nodes, master, replica].map(isIn));
    const follows = (await replica.info("replication", "master_link_status")) === "up";
    if (!follows || areIn.includes(false)) throw new Error("the new nodes have not joined yet");
  });
  return {
    master,
    replica,
    async remove() {
      const ids = [await replica.command("CLUSTER", "MYID"), masterId];
      // A node that still speaks would be met again.
      for (const guest of [replica, master]) {
        await guest.stop();
        guests.delete(guest);
      }
      for (const node of nodes) for (const id of ids) await node.command("CLUSTER", "FORGET", id);
    },
  };
}
