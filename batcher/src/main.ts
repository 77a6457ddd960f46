import { connectRedis, createKnownZones, type Service, systemClock } from "@sluice/broker";
import { pino } from "pino";
import { createBatcher } from "./batcher.js";
import { readConfig } from "./config.js";
import { createMetricsServer } from "./metrics-server.js";
import { createGuests } from "./zones/guests.js";

/** Starts the batcher of this process, and stops it in order at SIGTERM or SIGINT; a second signal ends it at once. */
async function main(): Promise<void> {
  const config = readConfig();
  const { zone } = config;
  const log = pino({ level: config.logLevel, name: "batcher" });
  const redis = await connectRedis(config.redis, log);
  const deps = { target: config.redis, redis, log, clock: systemClock };
  const batcher = createBatcher(deps, { zone });
  const zones = createKnownZones(redis, log, zone);
  const createGuest = (other: string) => createBatcher(deps, { zone: other, isGuest: true });
  const guests = createGuests({ redis, zones, own: zone, log, createGuest });
  const server = createMetricsServer(
    {
      registries: () => [batcher, ...guests.batchers()].map(({ metrics }) => metrics.registry),
      isReady: () => batcher.isReady(),
    },
    { host: config.metricsHost, port: config.metricsPort },
  );
  const services: readonly Service[] = [server, batcher, zones, guests];

  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "stopping");
    for (const service of [guests, zones, batcher, server]) await service.stop();
    redis.disconnect();
    log.info("stopped");
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));

  for (const service of services) await service.start();
  log.info({ batcher: batcher.name, zone, host: config.metricsHost, port: server.port() }, "batcher started");
}

try {
  await main();
} catch (error) {
  pino({ name: "batcher" }).fatal({ err: error }, "the batcher cannot start");
  // At once: connections and loops that have begun would keep a process alive that does nothing.
  process.exit(1);
}
