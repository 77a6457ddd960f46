import { describe, expect, test, vi } from "vitest";
import {
  createLiveSettings,
  createModelRegistry,
  DEFAULT_SETTINGS,
  keys,
  modelDefinitionSchema,
  registerModels,
} from "../src/index.js";
import { dumpState, silentLog, useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const seen = { timeout: 1_000, interval: 20 };

describe("live settings", () => {
  test("a change is seen within a second, a bad one is refused whole, and the last good set outlives a restart", async () => {
    const { redis } = fixture;
    const settings = createLiveSettings(redis, silentLog);
    await settings.start();
    await redis.hset(keys.config, "batch.max_wait_ms", "20");
    await vi.waitFor(() => expect(settings.current().forAll.batchMaxWaitMs).toBe(20), seen);
    await redis.hset(keys.config, { "batch.max_wait_ms": "-3", "batch.max_size": "8" });
    await vi.waitFor(() => expect(settings.refusedCount()).toBe(1), seen);
    expect(settings.current().forAll).toMatchObject({ batchMaxWaitMs: 20, batchMaxSize: 64 });
    await settings.stop();
    const restarted = createLiveSettings(redis, silentLog);
    await restarted.start();
    expect(restarted.current().forAll).toMatchObject({ batchMaxWaitMs: 20, batchMaxSize: 64 });
    expect(restarted.refusedCount()).toBe(1);
    await redis.del(keys.config);
    await vi.waitFor(() => expect(restarted.current().forAll.batchMaxWaitMs).toBe(50), seen);
    await restarted.stop();
    await restarted.stop();
  });

  test("settings that were deleted while nothing ran are noticed at the start: the defaults hold, and are kept", async () => {
    const { redis } = fixture;
    await redis.set(keys.goodConfig, '{"batch.max_wait_ms":"20"}');
    const settings = createLiveSettings(redis, silentLog);
    await settings.start();
    expect(settings.current().forAll).toEqual(DEFAULT_SETTINGS.forAll);
    expect(await dumpState(redis)).toEqual({ [keys.goodConfig]: "{}" });
    await settings.stop();
  });

  test.each([
    ["a setting of another version", '{"batch.no_such_thing":"1"}'],
    ["no JSON", "{batch"],
    ["JSON, but no settings", "null"],
    ["values that are no texts", '{"batch.max_wait_ms":{"a":1}}'],
  ])("a kept set that this version cannot take (%s) is refused, and the current one holds", async (_what, kept) => {
    const { redis } = fixture;
    await redis.set(keys.goodConfig, kept);
    await redis.hset(keys.config, "batch.max_size", "8");
    const settings = createLiveSettings(redis, silentLog);
    await settings.start();
    expect(settings.current().forAll).toMatchObject({ batchMaxWaitMs: 50, batchMaxSize: 8 });
    expect(settings.refusedCount()).toBe(1);
    expect(await redis.get(keys.goodConfig)).toBe('{"batch.max_size":"8"}');
    await settings.stop();
  });

  test("without a set that it can take a role starts with the defaults, and leaves the kept one to other versions", async () => {
    const { redis } = fixture;
    await redis.set(keys.goodConfig, '{"batch.no_such_thing":"1"}');
    await redis.hset(keys.config, "batch.no_such_thing", "1");
    const before = await dumpState(redis);
    const settings = createLiveSettings(redis, silentLog);
    await settings.start();
    expect(settings.current().forAll).toEqual(DEFAULT_SETTINGS.forAll);
    expect(settings.refusedCount()).toBe(2);
    await settings.stop();
    expect(await dumpState(redis)).toEqual(before);
  });

  test("out of memory: a role starts with the current settings, and they are kept as soon as there is room", async () => {
    const { redis } = fixture;
    await redis.hset(keys.config, "batch.max_size", "8");
    await redis.config("SET", "maxmemory", "1");
    try {
      const settings = createLiveSettings(redis, silentLog);
      await settings.start();
      expect(settings.current().forAll.batchMaxSize).toBe(8);
      expect(await redis.get(keys.goodConfig)).toBeNull();
      await redis.config("SET", "maxmemory", "0");
      await vi.waitFor(async () => expect(await redis.get(keys.goodConfig)).toBe('{"batch.max_size":"8"}'), seen);
      await settings.stop();
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
  });
});

describe("the model registry", () => {
  const model = (name: string) =>
    modelDefinitionSchema.parse({
      name,
      input: { kind: "text", tensor: "T" },
      outputs: [{ kind: "text", name: "o", tensor: "O" }],
    });

  test("shows what is registered, without what cannot be read, and follows changes", async () => {
    const { redis } = fixture;
    await registerModels(redis, [model("a"), model("b")]);
    await redis.hset(keys.models, "broken", "{}");
    const registry = createModelRegistry(redis, silentLog);
    await registry.start();
    expect(registry.all()).toEqual([model("a"), model("b")]);
    await registerModels(redis, [model("b"), model("c")]);
    await vi.waitFor(() => expect(registry.all().map(({ name }) => name)).toEqual(["b", "c"]), { timeout: 2_000 });
    expect(registry.get("a")).toBeUndefined();
    expect((await redis.hkeys(keys.models)).sort()).toEqual(["b", "c"]);
    await registry.stop();
  });

  test("out of memory: models that are registered already are registered again, and those that are gone are taken out", async () => {
    const { redis } = fixture;
    await registerModels(redis, [model("a"), model("b")]);
    await redis.config("SET", "maxmemory", "1");
    try {
      await registerModels(redis, [model("b")]);
      expect(await dumpState(redis)).toEqual({ [keys.models]: { b: JSON.stringify(model("b")) } });
      await expect(registerModels(redis, [model("c")])).rejects.toMatchObject({ code: "storage-unavailable" });
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
  });
});
