import { createCodec } from "./codec.js";
import { modelVersionRequest } from "./health.js";
import { message, nested, repeated } from "./message.js";
import { count, string, uint64 } from "./scalar-fields.js";

/** How often something happened, and the nanoseconds it took in all (a sum over instances: it may pass 2^53). */
export interface StatisticDuration {
  count: number;
  ns: bigint;
}

/** Where the requests of a model spent their time. */
export interface InferStatistics {
  success: StatisticDuration;
  fail: StatisticDuration;
  queue: StatisticDuration;
  computeInput: StatisticDuration;
  computeInfer: StatisticDuration;
  computeOutput: StatisticDuration;
  cacheHit: StatisticDuration;
  cacheMiss: StatisticDuration;
}

/** Executions of one batch size. */
export interface BatchStatistics {
  batchSize: number;
  computeInput: StatisticDuration;
  computeInfer: StatisticDuration;
  computeOutput: StatisticDuration;
}

/** Counters of one version of a model since it was loaded. */
export interface ModelStatistics {
  name: string;
  version: string;
  /** Milliseconds since 1970; 0 before the first. */
  lastInference: number;
  /** Rows: a batch of n counts n. */
  inferenceCount: number;
  /** Batches. */
  executionCount: number;
  inferenceStats: InferStatistics;
  batchStats: BatchStatistics[];
}

const duration = message<StatisticDuration>({ count: count(1), ns: uint64(2) });
const inferStatistics = message<InferStatistics>({
  success: nested(1, duration),
  fail: nested(2, duration),
  queue: nested(3, duration),
  computeInput: nested(4, duration),
  computeInfer: nested(5, duration),
  computeOutput: nested(6, duration),
  cacheHit: nested(7, duration),
  cacheMiss: nested(8, duration),
});
const batchStatistics = message<BatchStatistics>({
  batchSize: count(1),
  computeInput: nested(2, duration),
  computeInfer: nested(3, duration),
  computeOutput: nested(4, duration),
});
const modelStatistics = message<ModelStatistics>({
  name: string(1),
  version: string(2),
  lastInference: count(3),
  inferenceCount: count(4),
  executionCount: count(5),
  inferenceStats: nested(6, inferStatistics),
  batchStats: repeated(7, batchStatistics),
});

/** ModelStatisticsRequest; without a name the server answers for all models. */
export const modelStatisticsRequestCodec = createCodec("ModelStatisticsRequest", modelVersionRequest);
/** ModelStatisticsResponse. */
export const modelStatisticsResponseCodec = createCodec(
  "ModelStatisticsResponse",
  message<{ modelStats: ModelStatistics[] }>({ modelStats: repeated(1, modelStatistics) }),
);
