import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The gauges of one GPU, as Triton shows them. */
export interface ScriptedGpu {
  utilization: number;
  usedBytes: number;
  totalBytes: number;
}

/** A page of metrics like that of a Triton with GPUs, which can be made to fail. */
export interface ScriptedMetrics {
  readonly url: string;
  readonly gpus: ScriptedGpu[];
  /** Counters of its one model. */
  readonly model: { requests: number; queueUs: number; computeUs: number };
  /** Instead of the page: an HTTP status, another page, or no answer at all. */
  trouble: number | { readonly page: string } | "hang" | undefined;
  /** How often it was asked. */
  readonly asked: number;
  stop(): Promise<void>;
}

export async function startScriptedMetrics(...gpus: ScriptedGpu[]): Promise<ScriptedMetrics> {
  const metrics = {
    url: "",
    gpus,
    model: { requests: 0, queueUs: 0, computeUs: 0 },
    trouble: undefined as ScriptedMetrics["trouble"],
    asked: 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((_request, response) => {
    metrics.asked++;
    if (metrics.trouble === "hang") return;
    if (typeof metrics.trouble === "number") response.writeHead(metrics.trouble);
    response.end(typeof metrics.trouble === "object" ? metrics.trouble.page : pageOf(metrics));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  metrics.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  return metrics;
}

/** In the form of Triton's user guide; a part of a GPU has no utilisation. */
export function pageOf({ gpus, model }: Pick<ScriptedMetrics, "gpus" | "model">): string {
  const labels = 'model="m",version="1"';
  return [
    "# HELP nv_inference_request_success Number of successful inference requests, all batch sizes",
    "# TYPE nv_inference_request_success counter",
    `nv_inference_request_success{${labels}} ${model.requests}`,
    `nv_inference_queue_duration_us{${labels}} ${model.queueUs}`,
    `nv_inference_compute_infer_duration_us{${labels}} ${model.computeUs}`,
    ...gpus.flatMap(({ utilization, usedBytes, totalBytes }, i) => [
      `nv_gpu_utilization{gpu_uuid="GPU-${i}"} ${Number.isNaN(utilization) ? "Nan" : utilization.toFixed(6)}`,
      `nv_gpu_memory_total_bytes{gpu_uuid="GPU-${i}"} ${totalBytes.toFixed(6)}`,
      `nv_gpu_memory_used_bytes{gpu_uuid="GPU-${i}"} ${usedBytes.toFixed(6)}`,
    ]),
    "",
  ].join("\n");
}
