import { connectRedis, systemClock } from "@sluice/broker";
import { pino } from "pino";
import { createBatcher } from "./batcher.js";
import { readConfig } from "./config.js";
import { createMetricsServer } from "./metrics-server.js";

/** Starts the batcher of this process, and stops it in order at SIGTERM or SIGINT; a second signal ends it at once. */
async function main(): Promise<void> {
  const config = readConfig();
  const log = pino({ level: config.logLevel, name: "batcher" });
  const redis = await connectRedis(config.redis, log);
  const batcher = createBatcher({ target: config.redis, redis, log, clock: systemClock });
  const server = createMetricsServer(
    { registry: batcher.metrics.registry, isReady: () => batcher.isReady() },
    { host: config.metricsHost, port: config.metricsPort },
  );

  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
    await batcher.stop();
    await server.stop();
    redis.disconnect();
    log.info("stopped");
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));

  await server.start();
  await batcher.start();
  log.info({ batcher: batcher.name, host: config.metricsHost, port: server.port() }, "batcher started");
}

try {
  await main();
} catch (error) {
  pino({ name: "batcher" }).fatal({ err: error }, "the batcher cannot start");
  // At once: connections and loops that have begun would keep a process alive that does nothing.
  process.exit(1);
}
