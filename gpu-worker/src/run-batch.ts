import {
  type BlobReaper,
  type BlobStore,
  BrokerError,
  type CreditMessage,
  keepMs,
  LEASE_SLACK_MS,
  type LiveSettings,
  type ModelDefinition,
  type ModelRegistry,
  type Notice,
  parseLane,
  type RedisClient,
  type RowOutcome,
} from "@sluice/broker";
import type { Logger } from "pino";
import { resultsOfRuns } from "./batch-results.js";
import { claimBatch } from "./claim-batch.js";
import type { Endpoint } from "./endpoint.js";
import { chooseEndpoint } from "./endpoints/choose-endpoint.js";
import { giveBack, releaseLater } from "./give-back.js";
import { formatModelKey } from "./health/model-key.js";
import { inferBatch, type InferDeps } from "./infer-batch.js";
import type { LateWrites } from "./late-writes.js";
import { loadInputs } from "./load-inputs.js";
import { prepareRows } from "./prepare-rows.js";
import type { ImageDecoder } from "./preprocess/image-row.js";
import { type RunToSettle, settleBatch } from "./settle-batch.js";
import { shareRows } from "./share-rows.js";
import type { RowTensor } from "./triton/row-tensor.js";

/** What running a batch needs. */
export interface BatchDeps extends InferDeps {
  readonly redis: RedisClient;
  readonly blobs: BlobStore;
  readonly reaper: Pick<BlobReaper, "add">;
  readonly decoder: ImageDecoder;
  readonly models: ModelRegistry;
  readonly settings: LiveSettings;
  readonly lateWrites: LateWrites;
  /** Every endpoint of the process. */
  readonly allEndpoints: () => readonly Endpoint[];
  readonly log: Logger;
}

/** How a batch ended. */
export interface BatchEnd {
  /** From the claim to the last settled run, milliseconds. */
  readonly serviceMs: number;
  readonly unsettled: CreditMessage["unsettled"];
  /** The endpoint could not do it, or a part of it: the slot does well to wait a little. */
  readonly gaveBack: boolean;
}

/** What is kept of the lease for settling: this share, and no more than a second. */
const SETTLE_SHARE = 0.1;
const MAX_SETTLE_MS = 1_000;

/**
 * The path of one batch through this process: claim, load, prepare, infer, settle. What cannot be done is given back.
 * Trouble with Redis or the endpoint shows in the result, never as an error.
 */
export async function runBatch(
  notice: Notice,
  { slot, runsOn }: { readonly slot: string; readonly runsOn: (endpoint: Endpoint) => void },
  deps: BatchDeps,
): Promise<BatchEnd> {
  const model = modelOf(notice, deps.models);
  const chosen = model && chooseEndpoint(deps.endpoint, deps.allEndpoints(), formatModelKey(model));
  if (!chosen) return leaveAll(notice);
  const { endpoint, place } = chosen;
  try {
    runsOn(endpoint);
    return await runThere(notice, { slot, model }, { ...deps, endpoint, signal: place.signal });
  } finally {
    place.end();
  }
}

async function runThere(
  notice: Notice,
  { slot, model }: { readonly slot: string; readonly model: ModelDefinition },
  deps: BatchDeps,
): Promise<BatchEnd> {
  const { clock, redis, lateWrites } = deps;
  const settings = deps.settings.current().forModel(model.name);
  const { leaseMs, retryMaxAttempts: maxAttempts, retryBaseMs: baseMs } = settings;
  const keep = keepMs(settings, model.cacheTtlS);

  const startedMs = clock.monotonicMs();
  const leaseEndsMs = startedMs + leaseMs;
  const holder = { slot, batchId: notice.batchId, leaseEndsMs };
  const claim = { slot, leaseMs: leaseMs + LEASE_SLACK_MS, keepMs: keep };
  const { runs, unsettled, doubtful, buried } = await claimBatch(redis, notice, claim);
  releaseLater(redis, doubtful, holder, lateWrites);

  const inputs = await loadInputs(runs, deps.blobs);
  const shared = shareRows(runs.map((run, i) => (inputs[i] instanceof Uint8Array ? run.digest : undefined)));
  const rowInputs = shared.runOfRow.flatMap((run) => inputs[run] ?? []);
  const rows = await prepareRows(model, rowInputs, deps.decoder);

  const preparedMs = clock.monotonicMs();
  const deadlineMs = leaseEndsMs - Math.min(leaseMs * SETTLE_SHARE, MAX_SETTLE_MS);
  const infer = { model, batchId: notice.batchId, maxAttempts, baseMs, deadlineMs };
  const outcomes = await inferBatch(rows, infer, deps);
  const times = { preprocessMs: preparedMs - startedMs, inferMs: clock.monotonicMs() - preparedMs };

  const { toSettle, toGiveBack } = resultsOfRuns({ notice, runs, ...shared, outcomes, ...times });
  const left = await settleBatch(toSettle, { keepMs: keep, leaseEndsMs }, settleDeps(model, deps));
  const returned = await giveBack(redis, toGiveBack, holder, lateWrites);
  const serviceMs = clock.monotonicMs() - startedMs;

  if (buried > 0) deps.metrics.settled.inc({ model: model.name, state: "FAILED" }, buried);
  if (runs.length > 0) observe(deps, { model, rows, outcomes, toSettle, toGiveBack, ...times, serviceMs });
  deps.log.debug({ batchId: notice.batchId, runs: runs.length, returned: toGiveBack.length, ...times }, "batch done");
  const unknown = left.map(({ runId }) => ({ runId, why: "unknown" as const }));
  return { serviceMs, unsettled: [...unsettled, ...unknown, ...returned], gaveBack: toGiveBack.length > 0 };
}

/** The model as the lane wants it. A version that the endpoint does not have shows there. */
function modelOf(notice: Notice, models: ModelRegistry): ModelDefinition | undefined {
  const lane = parseLane(notice.lane);
  const model = lane && models.get(lane.model);
  return model && (model.version === lane.version ? model : { ...model, version: lane.version });
}

/** Nothing is claimed, so that nothing must be given back: the batchers publish it again. */
export function leaveAll(notice: Notice): BatchEnd {
  const unsettled = notice.rows.map(({ runId }) => ({ runId, why: "returned" as const }));
  return { serviceMs: 0, unsettled, gaveBack: true };
}

/** After an error that nobody foresaw: whatever this slot may hold of the batch. */
export async function giveAllBack(notice: Notice, slot: string, deps: BatchDeps): Promise<BatchEnd> {
  const leaseEndsMs = deps.clock.monotonicMs() + deps.settings.current().forAll.leaseMs;
  const runIds = notice.rows.map((row) => row.runId);
  const holder = { slot, batchId: notice.batchId, leaseEndsMs };
  return { serviceMs: 0, unsettled: await giveBack(deps.redis, runIds, holder, deps.lateWrites), gaveBack: true };
}

function settleDeps(model: ModelDefinition, deps: BatchDeps) {
  return {
    ...deps,
    onSettled: (state: RowOutcome["state"], count: number) =>
      deps.metrics.settled.inc({ model: model.name, state }, count),
  };
}

function observe(
  { metrics, endpoint: { url: endpoint } }: BatchDeps,
  batch: {
    readonly model: ModelDefinition;
    readonly rows: readonly (RowTensor | BrokerError)[];
    readonly outcomes: readonly (RowOutcome | undefined)[];
    readonly toSettle: readonly RunToSettle[];
    readonly toGiveBack: readonly string[];
    readonly preprocessMs: number;
    readonly serviceMs: number;
  },
): void {
  const model = batch.model.name;
  const failed = batch.outcomes.find((outcome) => outcome?.state === "FAILED");
  const failure = failed?.state === "FAILED" ? failed.failure.code : "ok";
  const code = batch.toGiveBack.length > 0 ? "endpoint-unavailable" : failure;
  metrics.latency.observe({ model, code }, batch.serviceMs / 1_000);
  metrics.preprocessSeconds.observe({ model }, batch.preprocessMs / 1_000);
  metrics.runs.inc({ model }, batch.toSettle.length + batch.toGiveBack.length);
  metrics.rows.inc({ model }, batch.outcomes.length);
  // What could not be prepared was never sent.
  const answered = batch.outcomes.filter((outcome, i) => outcome && !(batch.rows[i] instanceof BrokerError)).length;
  if (answered > 0) metrics.endpointBatches.inc({ endpoint, model });
  metrics.endpointRows.inc({ endpoint, model }, answered);
  metrics.givenBack.inc(batch.toGiveBack.length);
}
