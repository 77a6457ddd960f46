import { pino } from "pino";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { startRedisServer, type RedisServer } from "@sluice/stack";
import { connectRedis, parseRedisUrl, type RedisClient, type RedisTarget } from "../src/index.js";

/** A log that nobody reads. */
export const silentLog = pino({ level: "silent" });

/** A real redis-server for one test file, empty before each test. */
export function useRedis(extraArgs: string[] = []) {
  const fixture = {} as { server: RedisServer; target: RedisTarget; redis: RedisClient };
  beforeAll(async () => {
    fixture.server = await startRedisServer({ appendonly: "no", extraArgs });
    fixture.target = parseRedisUrl(fixture.server.url);
    fixture.redis = await connectRedis(fixture.target, silentLog);
  });
  beforeEach(async () => {
    await fixture.redis.flushall();
  });
  afterAll(async () => {
    fixture.redis.disconnect();
    await fixture.server.stop();
  });
  return fixture;
}

/** Everything that Redis holds, with the volatile parts (times) left to the caller: key -> value as plain data. */
export async function dumpState(redis: RedisClient): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {};
  for (const key of (await redis.keys("*")).sort()) {
    const type = await redis.type(key);
    if (type === "hash") state[key] = await redis.hgetall(key);
    else if (type === "string") state[key] = await redis.get(key);
    else if (type === "set") state[key] = (await redis.smembers(key)).sort();
    else if (type === "zset") state[key] = await redis.zrangebyscore(key, "-inf", "+inf");
    else if (type === "stream") state[key] = (await redis.xrange(key, "-", "+")).map(([, fields]) => fields);
    else state[key] = type;
  }
  return state;
}
