import { type ApiKey, type Clock, findApiKey, noteApiKeyUse, type RedisClient } from "@sluice/broker";
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { createAnswerCache } from "./answer-cache.js";
import type { Caller, CheckCredential } from "./identify.js";

/** A revoked key opens nothing after so long. */
const KNOWN_FOR_MS = 1_000;
const MAX_KNOWN = 10_000;
/** So often a key's use is noted. */
const NOTE_EVERY_MS = 60_000;

/** Checks API keys against Redis, each at most once a second. */
export function createKeyCheck(deps: {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly log: Logger;
}): CheckCredential {
  const { redis, clock, log } = deps;
  const answers = createAnswerCache<ApiKey | undefined>(clock, { ttlMs: KNOWN_FOR_MS, maxEntries: MAX_KNOWN });
  const notedMs = new Map<string, number>();
  const note = (id: string) => {
    const nowMs = clock.epochMs();
    if (nowMs - (notedMs.get(id) ?? -Infinity) < NOTE_EVERY_MS) return;
    if (notedMs.size >= MAX_KNOWN) notedMs.clear();
    notedMs.set(id, nowMs);
    noteApiKeyUse(redis, id, nowMs).catch((error: unknown) => log.debug({ err: error, id }, "use of a key not noted"));
  };
  return async (text): Promise<Caller | undefined> => {
    // Texts of keys are not kept, not even here.
    const key = await answers(createHash("sha256").update(text).digest("base64"), () => findApiKey(redis, text));
    if (!key) return undefined;
    note(key.id);
    return { owner: `k_${key.owner}`, scopes: key.scopes, requestsPerMinute: key.requestsPerMinute };
  };
}
