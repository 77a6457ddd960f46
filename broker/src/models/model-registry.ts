import type { Logger } from "pino";
import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import { createPoller } from "../redis/poller.js";
import type { RedisClient } from "../redis/connect.js";
import { untilAnswered } from "../redis/until-answered.js";
import type { Service } from "../service.js";
import { type ModelDefinition, modelDefinitionSchema } from "./model-definition.js";

const POLL_MS = 1_000;

/** The models that are registered, as every role sees them. */
export interface ModelRegistry extends Service {
  /** Sorted by name. */
  all(): readonly ModelDefinition[];
  get(name: string): ModelDefinition | undefined;
  /** Milliseconds since they were last read. */
  ageMs(): number;
}

/** Follows `sluice:models`. A definition that cannot be read is logged and left out. `start` has read it once. */
export function createModelRegistry(redis: RedisClient, log: Logger): ModelRegistry {
  let models = new Map<string, ModelDefinition>();
  let seen = "";
  const look = async (): Promise<void> => {
    const hash = await redis.hgetall(keys.models);
    const text = JSON.stringify(hash);
    if (text === seen) return;
    seen = text;
    const next = new Map<string, ModelDefinition>();
    for (const [name, json] of Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const definition = parseDefinition(json);
      if (definition?.name === name) next.set(name, definition);
      else log.error({ model: name }, "model definition refused");
    }
    models = next;
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    async start() {
      await untilAnswered(look);
      await poller.start();
    },
    stop: () => poller.stop(),
    all: () => [...models.values()],
    get: (name) => models.get(name),
    ageMs: () => poller.ageMs(),
  };
}

/**
 * Makes the given models known to all roles, in place of those that were registered before. What is registered already
 * is not written again: a Redis that is full would refuse it, and nobody could start to drain it.
 * @throws BrokerError storage-unavailable
 */
export async function registerModels(redis: RedisClient, definitions: readonly ModelDefinition[]): Promise<void> {
  try {
    const known = await redis.hgetall(keys.models);
    for (const definition of definitions) {
      const json = JSON.stringify(definition);
      if (known[definition.name] !== json) await redis.hset(keys.models, definition.name, json);
    }
    const gone = Object.keys(known).filter((name) => !definitions.some((definition) => definition.name === name));
    if (gone.length > 0) await redis.hdel(keys.models, ...gone);
  } catch (error) {
    throw new BrokerError("storage-unavailable", "the models could not be registered", { cause: error });
  }
}

function parseDefinition(json: string): ModelDefinition | undefined {
  try {
    const result = modelDefinitionSchema.safeParse(JSON.parse(json));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
