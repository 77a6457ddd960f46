import { startCluster } from "./start-cluster.js";
import { startSentinels } from "./start-sentinels.js";
import { startSingle } from "./start-single.js";
import type { Topology, TopologyKind, TopologyOptions } from "./topology.js";

/** Starts the servers of a setup and waits until they are whole. @param dir holds a folder for each. */
export async function startTopology(kind: TopologyKind, dir: string, options: TopologyOptions = {}): Promise<Topology> {
  switch (kind) {
    case "S":
      return startSingle(dir, options);
    case "R":
      return startSentinels(dir);
    case "C":
      return startCluster(dir, options);
  }
}
