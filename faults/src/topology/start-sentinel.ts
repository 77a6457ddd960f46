import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { answersAs, freePort, startProcess, waitUntilReady } from "@sluice/stack";

import type { SentinelProcess } from "./topology.js";

/** Starts a Sentinel that takes a master for down after a second of silence; two of them replace it. */
export async function startSentinel(
  dir: string,
  index: number,
  master: { readonly name: string; readonly port: number },
): Promise<SentinelProcess> {
  const name = `sentinel-${index + 1}`;
  const folder = join(dir, name);
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const configFile = join(folder, "sentinel.conf");
  const lines = [
    ...[`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, "sentinel announce-ip 127.0.0.1"],
    `sentinel monitor ${master.name} 127.0.0.1 ${master.port} 2`,
    `sentinel down-after-milliseconds ${master.name} 1000`,
    `sentinel failover-timeout ${master.name} 5000`,
    `sentinel parallel-syncs ${master.name} 2`,
  ];
  await writeFile(configFile, `${lines.join("\n")}\n`);
  const launch = async () => {
    const running = await startProcess({
      name,
      command: "redis-server",
      args: [configFile, "--sentinel"],
      logFile: join(folder, "sentinel.log"),
    });
    await waitUntilReady(running, { isReady: () => answersAs(port, running.pid), timeoutMs: 10_000 });
    return running;
  };
  let running = await launch();
  const kill = async (): Promise<void> => {
    running.kill("SIGKILL");
    await running.exited;
  };
  const restart = async (): Promise<void> => {
    await kill();
    running = await launch();
  };
  return { name, port, kill, restart };
}
