import { hostname, userInfo } from "node:os";
import { systemClock } from "@sluice/broker";
import { readConfig } from "./config.js";
import { runSluice } from "./run-sluice.js";

// Whoever reads us may have seen enough (`sluice config list | head`).
process.stdout.on("error", () => process.exit(0));

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

const io = {
  print: (text: string) => void process.stdout.write(text),
  printError: (text: string) => void process.stderr.write(text),
  redisUrl: readConfig().redisUrl,
  user: `${userInfo().username}@${hostname()}`,
  clock: systemClock,
  signal: stop.signal,
  keyboard: process.stdin,
  // 0 where a terminal does not know its size.
  screen: () => ({ rows: process.stdout.rows || undefined, columns: process.stdout.columns || undefined }),
};
process.exit(await runSluice(process.argv.slice(2), io));
