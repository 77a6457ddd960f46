import type { Clock } from "@sluice/broker";
import type { InferRequest } from "@sluice/proto";
import { troubleOf, wasAnswered } from "../triton/infer-error.js";
import type { TritonClient } from "../triton/triton-client.js";
import { formatModelKey } from "./model-key.js";
import type { CallEnd, EndpointHealth } from "./endpoint-health.js";
import type { Silence } from "./silence.js";

/** The calls of a worker to one Triton. */
export type WatchedClient = Pick<TritonClient, "infer" | "modelReady" | "serverReady">;

/**
 * The same calls; what they come to is told to the health of the endpoint.
 * @param inference makes the calls that run batches.
 */
export function watchClient(
  client: Omit<WatchedClient, "infer">,
  inference: Pick<TritonClient, "infer">,
  { health, silence, clock }: { readonly health: EndpointHealth; readonly silence: Silence; readonly clock: Clock },
): WatchedClient {
  const listen = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    silence.asked();
    try {
      const answer = await call();
      silence.heard();
      return answer;
    } catch (error) {
      if (wasAnswered(error)) silence.heard();
      throw error;
    }
  };
  return {
    modelReady: (name, version, limits) => listen(() => client.modelReady(name, version, limits)),
    serverReady: (limits) => listen(() => client.serverReady(limits)),
    async infer(request, limits) {
      const rows = Number(request.inputs[0]?.shape[0] ?? 1);
      const ends = health.callBegins(keyOf(request), rows, clock.monotonicMs());
      let end: CallEnd = "answered";
      try {
        return await listen(() => inference.infer(request, limits));
      } catch (error) {
        end = limits.signal?.aborted ? "unknown" : endOf(error);
        throw error;
      } finally {
        ends(end, clock.monotonicMs());
      }
    },
  };
}

function keyOf({ modelName, modelVersion = "" }: InferRequest): string {
  return formatModelKey({ name: modelName, version: modelVersion });
}

/** Bad data is an answer of a server that works; of INTERNAL nobody knows before the known-good input was tried. */
function endOf(error: unknown): CallEnd {
  const trouble = troubleOf(error);
  return trouble === "endpoint" ? "failed" : trouble === "data" ? "refused" : "unknown";
}
