import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { type ApiKey, apiKeyId, createKeyText, decodeApiKey, encodeApiKey, verifyApiKey } from "./api-key.js";

/** A key as operators see it. */
export interface ListedApiKey extends ApiKey {
  /** To the minute, since 1970; undefined: never. */
  readonly lastUsedMs: number | undefined;
}

/** Makes a key and stores its hash. @returns the key's text, which cannot be had again. @throws the Redis error */
export async function createApiKey(
  redis: RedisClient,
  wanted: Omit<ApiKey, "id">,
): Promise<{ readonly text: string; readonly key: ApiKey }> {
  for (;;) {
    const text = createKeyText();
    const key = { id: apiKeyId(text) ?? "", ...wanted };
    if ((await redis.hsetnx(keys.apiKeys, key.id, encodeApiKey(key, text))) === 1) return { text, key };
  }
}

/** All keys, oldest first. @throws the Redis error */
export async function listApiKeys(redis: RedisClient): Promise<ListedApiKey[]> {
  const [known, used] = await Promise.all([redis.hgetall(keys.apiKeys), redis.hgetall(keys.apiKeyUses)]);
  return Object.entries(known)
    .flatMap(([id, text]) => decodeApiKey(id, text) ?? [])
    .map((key) => ({ ...key, lastUsedMs: used[key.id] === undefined ? undefined : Number(used[key.id]) }))
    .sort((a, b) => a.createdMs - b.createdMs);
}

/** From within a second it opens nothing any more. @returns whether there was such a key. @throws the Redis error */
export async function revokeApiKey(redis: RedisClient, id: string): Promise<boolean> {
  const count = await redis.hdel(keys.apiKeys, id);
  await redis.hdel(keys.apiKeyUses, id);
  return count === 1;
}

/** What a caller's text opens; undefined if nothing. @throws the Redis error */
export async function findApiKey(redis: RedisClient, text: string): Promise<ApiKey | undefined> {
  const id = apiKeyId(text);
  if (id === undefined) return undefined;
  return verifyApiKey(text, id, (await redis.hget(keys.apiKeys, id)) ?? undefined);
}

/** Notes that a key was used. A use of a key that is just being revoked may stay noted. @throws the Redis error */
export async function noteApiKeyUse(redis: RedisClient, id: string, nowMs: number): Promise<void> {
  await redis.hset(keys.apiKeyUses, id, String(Math.floor(nowMs)));
}
