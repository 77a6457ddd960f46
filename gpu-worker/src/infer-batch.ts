import { BrokerError, type Clock, type ModelDefinition, type RowOutcome } from "@sluice/broker";
import { type Attempt, bisect } from "./bisect.js";
import type { Endpoint } from "./endpoint.js";
import { formatModelKey } from "./health/model-key.js";
import { groupRows } from "./infer-groups.js";
import { inferWithRetry } from "./infer-with-retry.js";
import type { GpuWorkerMetrics } from "./metrics.js";
import { pause } from "./pause.js";
import { backoffMs, type RetryLimits } from "./retry-policy.js";
import { buildInferRequest, splitInferResponse } from "./triton/batch-tensors.js";
import type { RowTensor } from "./triton/row-tensor.js";

/** What inference needs. */
export interface InferDeps {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly metrics: GpuWorkerMetrics;
  /** In 0..1; spreads back-offs. */
  readonly random: () => number;
  /** The process must end, or the endpoint is dead: whatever is not answered is given back. */
  readonly signal: AbortSignal;
}

/** A batch on its way to its model. */
export interface InferOptions extends RetryLimits {
  readonly model: ModelDefinition;
  readonly batchId: string;
}

/** With less time left a good input proves nothing. */
const KNOWN_GOOD_MS = 100;

/**
 * Runs the rows of a batch, normally in one call.
 * @param rows an error stands for an input that cannot be run.
 * @returns what each row came to, in order; undefined for a row that must be given back.
 */
export async function inferBatch(
  rows: readonly (RowTensor | BrokerError)[],
  options: InferOptions,
  deps: InferDeps,
): Promise<(RowOutcome | undefined)[]> {
  const outcomes = rows.map((row) => (row instanceof BrokerError ? outcomeOf(row) : undefined));
  const runnable = rows.map((row) => (row instanceof BrokerError ? undefined : row));
  const limits = { maxRows: options.model.maxBatchSize, maxBytes: deps.endpoint.maxBatchBytes };
  for (const group of groupRows(runnable, limits)) {
    const found = await inferGroup(group.rows, options, deps);
    group.indexes.forEach((index, i) => (outcomes[index] = found[i]));
  }
  return outcomes;
}

/** An input that cannot be read now may be read later; everything else is final. */
function outcomeOf(error: BrokerError): RowOutcome | undefined {
  if (error.code === "storage-unavailable") return undefined;
  return { state: "FAILED", failure: { code: error.code, message: error.message } };
}

async function inferGroup(
  rows: readonly RowTensor[],
  options: InferOptions,
  deps: InferDeps,
): Promise<(RowOutcome | undefined)[]> {
  const { model, maxAttempts, baseMs, deadlineMs } = options;
  const { clock, endpoint, signal } = deps;
  let calls = 0;
  return await bisect(rows, {
    attempt: (part) => {
      if (++calls === 2) deps.metrics.bisected.inc();
      return attempt(part, options, deps);
    },
    knownGoodWorks: async () => {
      const remainingMs = deadlineMs - clock.monotonicMs();
      return remainingMs < KNOWN_GOOD_MS
        ? undefined
        : await endpoint.knownGood.works(model, { deadlineMs: remainingMs, signal });
    },
    endpointBlamed: (isProven) => {
      if (!signal.aborted && deadlineMs - clock.monotonicMs() >= KNOWN_GOOD_MS) {
        endpoint.blamed(formatModelKey(model), isProven);
      }
    },
    pause: (round) => pause(backoffMs(round, baseMs, deps.random()), signal),
    maxAttempts,
  });
}

async function attempt(rows: readonly RowTensor[], options: InferOptions, deps: InferDeps): Promise<Attempt> {
  const { model, batchId } = options;
  const { client, budget } = deps.endpoint;
  const result = await inferWithRetry(
    (remainingMs) =>
      client.infer(buildInferRequest(model, rows, batchId), { deadlineMs: remainingMs, signal: deps.signal }),
    options,
    {
      clock: deps.clock,
      budget,
      random: deps.random,
      pause: (ms) => pause(ms, deps.signal),
      isOver: () => deps.signal.aborted,
      onRetry: ({ details: { status }, code }) =>
        deps.metrics.retries.inc({ reason: typeof status === "string" ? status : code }),
    },
  );
  if (result.kind !== "answered") return result;
  try {
    return { kind: "answered", outcomes: splitInferResponse(model, result.response, rows.length) };
  } catch (error) {
    // Whether it is the input or this server, the known-good input tells; where there is none, the input is thought to be.
    const { code, message } = BrokerError.from(error, "internal", "an answer could not be taken apart");
    return { kind: "refused", failure: { code, message }, certain: !(await deps.endpoint.knownGood.has(model)) };
  }
}
