export { type Batcher, type BatcherDeps, type BatcherOptions, createBatcher } from "./batcher.js";
export { type BatcherConfig, readConfig } from "./config.js";
export { createMetricsServer, type MetricsServer } from "./metrics-server.js";
