export { createGpuWorker, type GpuWorker, type GpuWorkerDeps, type GpuWorkerOptions } from "./gpu-worker.js";
export { createGpuWorkerMetrics, type GpuWorkerMetrics } from "./metrics.js";
export { connectTriton, type TritonConnectionOptions } from "./triton/connect-triton.js";
export { createTritonClient, type TritonClient } from "./triton/triton-client.js";
