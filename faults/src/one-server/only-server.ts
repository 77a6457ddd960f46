import type { Stage } from "../outages/stage.js";
import type { RedisNode } from "../topology/redis-node.js";

/** The one redis-server of topology `S`. */
export function onlyServer(stage: Stage): RedisNode {
  const [server, ...others] = stage.world.topology.nodes;
  if (server === undefined || others.length > 0) throw new Error("there is not one server");
  return server;
}
