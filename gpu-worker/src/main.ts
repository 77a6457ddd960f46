import {
  connectRedis,
  createBlobReaper,
  createConfirmedWrites,
  createLiveSettings,
  createModelRegistry,
  openBlobStore,
  systemClock,
} from "@sluice/broker";
import { pino } from "pino";
import { readConfig } from "./config.js";
import { createGpuWorker } from "./gpu-worker.js";
import { createGpuWorkerMetrics } from "./metrics.js";
import { createStatusServer } from "./status-server.js";

const config = readConfig();
const log = pino({ level: config.logLevel, base: { role: "gpu-worker", pid: process.pid } });
const blobs = await openBlobStore(config.blobs);
const redis = await connectRedis(config.redis, log);
const models = createModelRegistry(redis, log);
const settings = createLiveSettings(redis, log);
const writes = createConfirmedWrites(config.redis, redis, config.durability);
const reaper = createBlobReaper({ writes, blobs, clock: systemClock, log });
const metrics = createGpuWorkerMetrics();
const worker = createGpuWorker(
  { target: config.redis, redis, models, settings, blobs, reaper, metrics, clock: systemClock, log },
  config,
);
const status = createStatusServer(
  { registry: metrics.registry, isReady: worker.isReady },
  { host: config.metricsHost, port: config.metricsPort },
);

const services = [models, settings, reaper, status, worker];
for (const service of services) await service.start();
log.info({ metricsPort: status.port(), endpoints: config.endpoints, slots: config.slots }, "gpu-worker started");

let stopping: Promise<void> | undefined;
const stop = async (): Promise<void> => {
  for (const service of services.toReversed()) await service.stop();
  await writes.stop();
  redis.disconnect();
  log.info("gpu-worker stopped");
};
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    stopping ??= stop();
  });
}
