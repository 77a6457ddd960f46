import {
  BrokerError,
  createTaskId,
  type Digest,
  digestOf,
  type Lane,
  type ModelDefinition,
  type ModelRegistry,
  type Settings,
} from "@sluice/broker";
import { toRowInput, type RowInput } from "../submission/row-input.js";
import type { Submission } from "../submission/submission.js";
import type { TakeEntropy } from "./entropy.js";

/** What a submission comes to: which model computes what, for whom. */
export interface Order {
  readonly submission: Submission;
  readonly owner: string;
  readonly model: ModelDefinition;
  readonly row: RowInput;
  /** Its Idempotency-Key, if it has one. */
  readonly key: string | undefined;
  /** Where it was submitted, and is to run. */
  readonly zone: string;
}

/** From admission to deadline. Milliseconds. */
export function ttlMsOf({ submission }: Order, settings: Settings): number {
  return submission.deadlineMs ?? settings.queueTtlS * 1_000;
}

/** An order with the version that computes it, and the ids that follow from that. */
export interface PlannedTask {
  readonly taskId: string;
  readonly lane: Lane;
  readonly digest: Digest;
}

/**
 * Finds the model of a submission and checks the input against it.
 * @throws BrokerError model-not-found, and whatever `toRowInput` refuses
 */
export function toOrder(
  submission: Submission,
  caller: Pick<Order, "owner" | "key" | "zone">,
  models: Pick<ModelRegistry, "all" | "get">,
): Order {
  const { kind } = submission.input;
  const model = findModel(submission.model, kind, models);
  if (!model) {
    const missing = submission.model === undefined ? `no model is the default for ${kind} inputs` : "no such model";
    throw new BrokerError("model-not-found", missing);
  }
  return { submission, ...caller, model, row: toRowInput(submission.input, model) };
}

/** The model of a name; without one the default for inputs of this kind. */
export function findModel(
  name: string | undefined,
  kind: Submission["input"]["kind"],
  models: Pick<ModelRegistry, "all" | "get">,
): ModelDefinition | undefined {
  return name === undefined ? models.all().find(({ defaultFor }) => defaultFor === kind) : models.get(name);
}

/**
 * Plans an order for the version that its model has. Equal orders get equal digests, so their tasks meet in one shard; the
 * new task id carries that shard. An order that must not share gets a digest of its own: of random bits, or of its
 * Idempotency-Key, so that its repeats find the same shard.
 */
export function planTask(order: Order, nowMs: number, entropy: TakeEntropy): PlannedTask {
  const { submission, model, owner, row, key, zone } = order;
  const { version } = model;
  const lane = { model: model.name, version, zone, batchClass: submission.priority };
  const digest = digestOf({
    model: model.name,
    version,
    zone,
    signature: row.signature,
    scope: model.scope === "owner" ? owner : "",
    salt: submission.dedupe ? "" : key === undefined ? Buffer.from(entropy(16)).toString("hex") : `key:${owner}:${key}`,
    input: row.content,
  });
  return { taskId: createTaskId(digest.shard, nowMs, entropy(20)), lane, digest };
}
