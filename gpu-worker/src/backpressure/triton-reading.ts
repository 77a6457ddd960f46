import type { ModelStatistics } from "@sluice/proto";

/** What a Triton says of itself at one moment, over all its GPUs and models. */
export interface TritonReading {
  /** Of the busiest GPU: the part of the time during which it computed, 0..1. Undefined where no GPU is told of. */
  readonly gpuUtilization: number | undefined;
  /** Of the fullest GPU: the part of its memory that is taken, by whomever, 0..1. */
  readonly gpuMemory: number | undefined;
  readonly counters: TritonCounters;
}

/** Sums since Triton started, over the requests of all clients. */
export interface TritonCounters {
  /** Requests that succeeded: one batch of ours is one. */
  readonly requests: number;
  /** Time that they waited for an instance of their model. */
  readonly queueMs: number;
  /** Time that they were computed. */
  readonly computeMs: number;
}

/** What one request took between two readings, on average. */
export interface TritonTimes {
  readonly queueMs: number;
  readonly computeMs: number;
}

/** A sample of the text format of Prometheus: name, labels, value. A label's value may hold braces, and escaped quotes. */
const SAMPLE = /^(nv_\w+)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)/gm;
const GPU = /gpu_uuid="([^"]*)"/;

/**
 * Reads the metrics page of Triton. Times are in microseconds there, utilisation in 0..1; figures that are missing, or
 * no numbers (as for a part of a GPU), are left out.
 * Source of the names: the user guide of Triton, "Metrics".
 */
export function parseTritonMetrics(page: string): TritonReading {
  const sums = new Map<string, number>();
  const gpus = new Map<string, Map<string, number>>();
  for (const [, name = "", labels = "", text] of page.matchAll(SAMPLE)) {
    const value = Number(text);
    if (!Number.isFinite(value)) continue;
    sums.set(name, (sums.get(name) ?? 0) + value);
    const gpu = GPU.exec(labels)?.[1];
    if (gpu !== undefined) gpus.set(gpu, (gpus.get(gpu) ?? new Map<string, number>()).set(name, value));
  }
  const sum = (name: string): number => sums.get(name) ?? 0;
  const ofGpus = [...gpus.values()];
  return {
    gpuUtilization: largest(ofGpus.map((figures) => figures.get("nv_gpu_utilization"))),
    gpuMemory: largest(
      ofGpus.map((figures) => part(figures.get("nv_gpu_memory_used_bytes"), figures.get("nv_gpu_memory_total_bytes"))),
    ),
    counters: {
      requests: sum("nv_inference_request_success"),
      queueMs: sum("nv_inference_queue_duration_us") / 1_000,
      computeMs: sum("nv_inference_compute_infer_duration_us") / 1_000,
    },
  };
}

/** The same of the statistics that Triton tells over gRPC, which know nothing of GPUs. */
export function readStatistics(models: readonly ModelStatistics[]): TritonReading {
  const sum = (of: (model: ModelStatistics) => number): number => models.reduce((total, model) => total + of(model), 0);
  return {
    gpuUtilization: undefined,
    gpuMemory: undefined,
    counters: {
      requests: sum(({ inferenceStats }) => inferenceStats.success.count),
      queueMs: sum(({ inferenceStats }) => Number(inferenceStats.queue.ns) / 1e6),
      computeMs: sum(({ inferenceStats }) => Number(inferenceStats.computeInfer.ns) / 1e6),
    },
  };
}

/** Undefined if nothing was computed in between, or if Triton was started anew. */
export function timesBetween(earlier: TritonCounters, later: TritonCounters): TritonTimes | undefined {
  const requests = later.requests - earlier.requests;
  const queueMs = later.queueMs - earlier.queueMs;
  const computeMs = later.computeMs - earlier.computeMs;
  if (requests <= 0 || queueMs < 0 || computeMs < 0) return undefined;
  return { queueMs: queueMs / requests, computeMs: computeMs / requests };
}

function part(used: number | undefined, total: number | undefined): number | undefined {
  return used === undefined || total === undefined || total <= 0 ? undefined : used / total;
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}
