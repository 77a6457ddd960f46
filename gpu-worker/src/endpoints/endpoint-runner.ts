import { createNoticeReader, type ModelRegistry, type RedisTarget, type Service } from "@sluice/broker";
import { createEndpoint, type Endpoint, type EndpointOptions } from "../endpoint.js";
import type { Peers } from "../health/endpoint-health.js";
import { createSlot, type SlotDeps } from "../slot.js";
import type { NumberedSlot } from "../slot-name.js";
import type { TritonClient } from "../triton/triton-client.js";

/** One endpoint and the slots in front of it. */
export interface EndpointRunner extends Service {
  readonly endpoint: Endpoint;
  readonly slots: readonly RunningSlot[];
}

/** A slot, by its number in the process. */
export interface RunningSlot {
  readonly number: number;
  /** Monotonic time when Redis last answered a pull, or the slot last saw that it must be away. */
  readonly lastPollMs: () => number;
}

/** What it needs; all but the client is shared by the endpoints of a process. */
export interface EndpointRunnerDeps extends Omit<SlotDeps, "endpoint" | "reader"> {
  readonly peers: Peers;
  readonly target: RedisTarget;
  readonly models: ModelRegistry;
  readonly client: TritonClient;
  /** Names for slots, each new. */
  readonly nextSlot: (endpoint: string) => NumberedSlot;
}

/** Which endpoint it is, and how it is served. */
export interface EndpointRunnerOptions extends EndpointOptions {
  /** Where its slots pull: the pool in the worker's zone. */
  readonly site: string;
}

/**
 * `start` resolves when the endpoint has been asked once; it need not be ready. `stop` lets the batches in hand end,
 * takes the slots off the list, and closes the client.
 */
export function createEndpointRunner(deps: EndpointRunnerDeps, options: EndpointRunnerOptions): EndpointRunner {
  const { url, site } = options;
  const endpoint = createEndpoint({ ...deps, log: deps.log.child({ endpoint: url }) }, options);
  const slots = Array.from({ length: options.slots }, (_, index) =>
    createNamedSlot(deps, endpoint, { url, index, pool: site }),
  );
  return {
    endpoint,
    slots,
    async start() {
      await endpoint.start();
      for (const slot of slots) await slot.start();
    },
    async stop() {
      await Promise.all(slots.map((slot) => slot.stop()));
      await endpoint.stop();
    },
  };
}

function createNamedSlot(
  deps: EndpointRunnerDeps,
  endpoint: Endpoint,
  { url, ...place }: { readonly url: string; readonly index: number; readonly pool: string },
): RunningSlot & Service {
  const { name, number } = deps.nextSlot(url);
  const reader = createNoticeReader(deps.target, deps.redis, place.pool, name);
  return { ...createSlot({ ...deps, endpoint, reader }, { name, ...place }), number };
}
