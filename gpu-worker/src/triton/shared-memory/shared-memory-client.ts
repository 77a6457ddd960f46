import { BrokerError } from "@sluice/broker";
import type { InferParameters, InferRequest, InferResponse } from "@sluice/proto";
import type { Logger } from "pino";
import { wasAnswered } from "../infer-error.js";
import type { CallLimits, TritonClient } from "../triton-client.js";
import { createOutputSizes, type OutputSizes, tensorBytes } from "./output-sizes.js";
import { createRegionOwner } from "./region-name.js";
import { createRegionPool, type RegionPool } from "./region-pool.js";
import type { SharedRegion } from "./shared-region.js";

/** From how many bytes on tensors go through shared memory. */
export interface SharedMemoryOptions {
  /** Inputs of one call together, or one output. @defaultValue 262144 */
  readonly minBytes?: number;
}

/** Where shared memory begins to be faster; see bench/README.md for the figures. */
const MIN_BYTES = 2 ** 18;
/** Triton's models read tensors with vector instructions. */
const ALIGNMENT = 64;

/**
 * The same client, whose large tensors go through shared memory where Triton sees ours, and over gRPC where it does not,
 * or no longer does: whatever Triton answers to a call with shared memory but success, the call is made again without, so
 * that no task fails for it. Whether Triton sees it is asked when a model is ready first, and again after each minute of no.
 */
export function createSharedMemoryClient(
  client: TritonClient,
  log: Pick<Logger, "info" | "warn">,
  { minBytes = MIN_BYTES }: SharedMemoryOptions = {},
): TritonClient {
  const pool = createRegionPool({ client, owner: createRegionOwner(), log });
  const sizes = createOutputSizes();
  let closing: Promise<void> | undefined;
  return {
    ...client,
    async infer(request, limits) {
      const plan = planRegion(request, sizes.expect(request), minBytes);
      const response = await runPlanned({ client, pool, sizes }, plan, limits);
      sizes.learn(request, response);
      return response;
    },
    async modelReady(name, version, limits) {
      const ready = await client.modelReady(name, version, limits);
      if (ready) void pool.look();
      return ready;
    },
    close: () => (closing ??= pool.close().then(() => client.close())),
  };
}

/** What of a request goes through a region, and where it lies there. */
interface RegionPlan {
  readonly request: InferRequest;
  readonly inputs: readonly Place[];
  readonly outputs: ReadonlyMap<string, Place>;
  /** 0 if nothing does. */
  readonly byteSize: number;
}

interface Place {
  readonly offset: number;
  readonly byteSize: number;
}

interface PlanDeps {
  readonly client: TritonClient;
  readonly pool: RegionPool;
  readonly sizes: OutputSizes;
}

/** Inputs first, then the outputs whose size is known. */
function planRegion(request: InferRequest, outputSizes: ReadonlyMap<string, number>, minBytes: number): RegionPlan {
  let end = 0;
  const place = (byteSize: number): Place => {
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    end = offset + byteSize;
    return { offset, byteSize };
  };
  const bytes = request.rawInputContents.map((contents) => sum(piecesOf(contents).map((piece) => piece.length)));
  const inputs = sum(bytes) >= minBytes ? bytes.map(place) : [];
  const outputs = [...outputSizes].filter(([, byteSize]) => byteSize >= minBytes);
  return { request, inputs, outputs: new Map(outputs.map(([name, size]) => [name, place(size)])), byteSize: end };
}

async function runPlanned(
  { client, pool, sizes }: PlanDeps,
  plan: RegionPlan,
  limits: CallLimits,
): Promise<InferResponse> {
  const startedMs = performance.now();
  const { request } = plan;
  const region = plan.byteSize > 0 ? await pool.borrow(plan.byteSize) : undefined;
  const left = (): CallLimits => ({ ...limits, deadlineMs: limits.deadlineMs - (performance.now() - startedMs) });
  if (region === undefined) return await client.infer(request, left());
  try {
    const response = await runInRegion(client, region, plan, left());
    pool.giveBack(region);
    return response;
  } catch (error) {
    pool.retire(region);
    if (error instanceof BrokerError && !wasAnswered(error)) throw error;
    const response = await client.infer(request, left());
    pool.distrust();
    // A Triton that was restarted does not know the region; whatever else it was may have been an answer of another size.
    if (!(error instanceof BrokerError && error.details["status"] === "NOT_FOUND")) sizes.forget(request);
    return response;
  }
}

async function runInRegion(
  client: TritonClient,
  region: SharedRegion,
  { request, inputs, outputs, byteSize }: RegionPlan,
  limits: CallLimits,
): Promise<InferResponse> {
  const tensors = inputs.map(({ offset }, index) => ({ offset, pieces: piecesOf(request.rawInputContents[index]) }));
  await region.fill(tensors, byteSize);
  const response = await client.infer(
    {
      ...request,
      inputs: request.inputs.map((input, index) => withPlace(input, region, inputs[index])),
      outputs: request.outputs?.map((output) => withPlace(output, region, outputs.get(output.name))) ?? [],
      rawInputContents: inputs.length > 0 ? [] : request.rawInputContents,
    },
    limits,
  );
  const rawOutputContents = response.outputs.map(async ({ name, datatype, shape }, index) => {
    const place = outputs.get(name);
    if (place === undefined) return response.rawOutputContents[index] ?? new Uint8Array();
    return await region.read(place.offset, tensorBytes(datatype, shape));
  });
  return { ...response, rawOutputContents: await Promise.all(rawOutputContents) };
}

/** Parameters of Triton's extension for shared memory, the same for inputs and outputs. */
function withPlace<Tensor extends { parameters?: InferParameters }>(
  tensor: Tensor,
  { name }: SharedRegion,
  place: Place | undefined,
): Tensor {
  if (place === undefined) return tensor;
  const parameters: InferParameters = new Map([
    ...(tensor.parameters ?? []),
    ["shared_memory_region", { kind: "string", value: name }],
    ["shared_memory_offset", { kind: "int64", value: BigInt(place.offset) }],
    ["shared_memory_byte_size", { kind: "int64", value: BigInt(place.byteSize) }],
  ]);
  return { ...tensor, parameters };
}

function piecesOf(contents: InferRequest["rawInputContents"][number] = []): readonly Uint8Array[] {
  return contents instanceof Uint8Array ? [contents] : contents;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
