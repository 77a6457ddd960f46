export { createGpuWorker, type GpuWorker, type GpuWorkerDeps, type GpuWorkerOptions } from "./gpu-worker.js";
export { createGpuWorkerMetrics, type GpuWorkerMetrics } from "./metrics.js";
export { createTritonClient, type TritonClient } from "./triton/triton-client.js";
