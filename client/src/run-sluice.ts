import { BrokerError, connectRedis, parseRedisUrl } from "@sluice/broker";
import { pino } from "pino";
import { runConfig } from "./config/run-config.js";
import { runKeys } from "./keys/run-keys.js";
import { runLanes } from "./lanes/run-lanes.js";
import { parseCommand, type SluiceCommand, USAGE } from "./parse-command.js";
import type { SluiceIo } from "./sluice-io.js";
import { runTop } from "./top/run-top.js";

/** Done; something failed; what was asked for is not allowed. */
const EXIT = { done: 0, failed: 1, refused: 2 } as const;
const CONNECT_MS = 3_000;

/** Runs one `sluice` command to its end. @returns the exit code: 0 done, 1 failed, 2 refused or not understood. */
export async function runSluice(args: readonly string[], io: SluiceIo): Promise<number> {
  let command: SluiceCommand;
  try {
    command = parseCommand(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    io.printError(`${error.message}\n\n${USAGE}`);
    return EXIT.refused;
  }
  try {
    await run(command, io);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    io.printError(`${error.code === "config-invalid" ? "refused: " : ""}${error.message}\n`);
    return error.code === "config-invalid" ? EXIT.refused : EXIT.failed;
  }
}

async function run(command: SluiceCommand, io: SluiceIo): Promise<void> {
  if (command.kind === "help") {
    io.print(USAGE);
    return;
  }
  const { options } = command;
  const target = parseRedisUrl(options.redis ?? io.redisUrl);
  const redis = await connectRedis(target, pino({ level: "silent" }), CONNECT_MS);
  try {
    if (command.kind === "config") await runConfig(command.action, { redis, options, io });
    else if (command.kind === "keys") await runKeys(command.action, { redis, options, io });
    else if (command.kind === "lanes") await runLanes({ redis, options, io });
    else await runTop({ redis, options, io });
  } finally {
    redis.disconnect();
  }
}
