import { parseRedisUrl } from "@sluice/broker";
import { sendCommand } from "@sluice/stack";

import type { Topology } from "../topology/topology.js";

/** Stops all Sentinels by SIGSTOP: they take connections and say nothing. @returns lets them go on. */
export async function pauseSentinels(topology: Topology): Promise<() => void> {
  const { nodes } = parseRedisUrl(topology.adminUrl());
  const pids = await Promise.all(nodes.map(({ port }) => pidOf(port)));
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  };
}

async function pidOf(port: number): Promise<number> {
  const info = await sendCommand(port, ["INFO", "server"]);
  const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  if (!(pid > 1)) throw new Error(`the Sentinel on port ${port} did not say its process id`);
  return pid;
}
