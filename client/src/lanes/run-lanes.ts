import { createModelRegistry } from "@sluice/broker";
import { pino } from "pino";
import { formatPools } from "./format-pools.js";
import type { CommandDeps } from "../sluice-io.js";
import { readPools } from "./read-pools.js";

/** `sluice lanes`. @throws BrokerError storage-unavailable */
export async function runLanes({ redis, options, io }: CommandDeps): Promise<void> {
  const models = createModelRegistry(redis, pino({ level: "silent" }));
  await models.start();
  try {
    const pools = await readPools({ redis, models, clock: io.clock });
    io.print(`${formatPools(pools, options).join("\n")}\n`);
  } finally {
    await models.stop();
  }
}
