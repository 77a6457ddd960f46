import { describe, expect, test, vi } from "vitest";
import { createLiveSettings, createModelRegistry, keys, modelDefinitionSchema, registerModels } from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";

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
});
