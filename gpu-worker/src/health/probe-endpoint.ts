import type { BrokerError, ModelDefinition } from "@sluice/broker";
import { wasAnswered } from "../triton/infer-error.js";
import type { TritonClient } from "../triton/triton-client.js";

/** How long one question may take: a server that is busy answers late, one that hangs never does. */
const PROBE_TIMEOUT_MS = 1_000;

/**
 * Whether an endpoint serves: a model that is ready says that the server lives, and the server itself must not say that
 * it is going.
 * @returns the first model that is ready, if so; the error of a server that does not answer.
 */
export async function probeEndpoint(
  client: Pick<TritonClient, "modelReady" | "serverReady">,
  models: readonly ModelDefinition[],
): Promise<{ readonly model?: string; readonly error?: BrokerError }> {
  const limits = { deadlineMs: PROBE_TIMEOUT_MS };
  try {
    for (const { name, version } of models) {
      if (!(await client.modelReady(name, version, limits))) continue;
      return (await saysReady(client)) ? { model: name } : {};
    }
    return {};
  } catch (error) {
    return { error: error as BrokerError };
  }
}

/** A server that has no such question is believed by its models. */
async function saysReady(client: Pick<TritonClient, "serverReady">): Promise<boolean> {
  try {
    return await client.serverReady({ deadlineMs: PROBE_TIMEOUT_MS });
  } catch (error) {
    if (wasAnswered(error)) return true;
    throw error;
  }
}
