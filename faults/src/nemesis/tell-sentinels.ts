import { parseRedisUrl } from "@sluice/broker";
import { sendCommand } from "@sluice/stack";

import type { Topology } from "../topology/topology.js";

/** Gives every Sentinel that runs a command about their master: `SENTINEL verb NAME ...words`. */
export async function tellSentinels(topology: Topology, verb: string, ...words: readonly string[]): Promise<void> {
  const { masterName = "" } = parseRedisUrl(topology.adminUrl());
  for (const { port } of topology.sentinels) await sendCommand(port, ["SENTINEL", verb, masterName, ...words]);
}
