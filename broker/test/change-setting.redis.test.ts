import { describe, expect, test } from "vitest";
import { keys } from "../src/keys.js";
import { changeSettingScript } from "../src/scripts/change-setting.js";
import { changeSetting } from "../src/settings/change-setting.js";
import { readSettingsLog } from "../src/settings/settings-log.js";
import { readSettingsState } from "../src/settings/settings-state.js";
import { dumpState, useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const SIZE = "batch.max_size";
const WAIT = "batch.max_wait_ms";

const change = (field: string, value: string | undefined, by = "anna") =>
  changeSetting(fixture.redis, { field, value, by });
const logged = async () =>
  (await readSettingsLog(fixture.redis, 100)).map(({ by, field, old, new: after }) => [by, field, old, after]);

describe("changing a setting", () => {
  test("writes it, tells what it was, and notes who did; what changes nothing is not noted", async () => {
    const startMs = Date.now();
    expect(await change(SIZE, "32")).toBeUndefined();
    expect(await change(SIZE, "16", "bert")).toBe("32");
    expect(await change(SIZE, "16")).toBe("16");
    expect(await change("model.shapes.batch.max_size", "8")).toBeUndefined();
    expect(await change(SIZE, undefined)).toBe("16");
    expect(await change(SIZE, undefined)).toBeUndefined();
    expect(await fixture.redis.hgetall(keys.config)).toEqual({ "model.shapes.batch.max_size": "8" });
    expect(await logged()).toEqual([
      ["anna", SIZE, undefined, "32"],
      ["bert", SIZE, "32", "16"],
      ["anna", "model.shapes.batch.max_size", undefined, "8"],
      ["anna", SIZE, "16", undefined],
    ]);
    const [first] = await readSettingsLog(fixture.redis, 4);
    expect(Math.abs((first?.atMs ?? 0) - startMs)).toBeLessThan(5_000);
    expect((await readSettingsLog(fixture.redis, 1)).map(({ old }) => old)).toEqual(["16"]);
  });

  test.each([
    ["a bad value", SIZE, "banana", [`${SIZE}: must be a number`]],
    ["an empty value", WAIT, "", [`${WAIT}: must be a number`]],
    ["a bad value for one model", "model.m.batch.max_size", "0", [expect.stringContaining("model.m.batch.max_size:")]],
    ["no such setting", "batch.size", "3", ["batch.size: no such setting"]],
    ["what cannot be a model's own", "model.m.prefetch", "2", ["model.m.prefetch: no such setting"]],
    ["a bad combination", "queue.ttl_s", "1", [`${WAIT} (1000) must be below queue.ttl_s (1)`]],
    [
      "a bad combination for one model",
      "model.m.queue.ttl_s",
      "1",
      [`${WAIT} (1000) must be below model.m.queue.ttl_s (1)`],
    ],
  ])("%s is refused with the reason, and nothing is written", async (_what, field, value, problems) => {
    await change(WAIT, "1000");
    const before = await dumpState(fixture.redis);
    await expect(change(field, value)).rejects.toMatchObject({ code: "config-invalid", details: { problems } });
    expect(await dumpState(fixture.redis)).toEqual(before);
  });

  test("what is wrong already can be mended one by one, and nothing else is taken until it is", async () => {
    const { redis } = fixture;
    await redis.set(keys.goodConfig, JSON.stringify({ [SIZE]: "8" }));
    await redis.hset(keys.config, { [SIZE]: "banana", [WAIT]: "apple" });
    await expect(change("batch.slo_ms", "100")).rejects.toMatchObject({ code: "config-invalid" });
    expect((await readSettingsState(redis)).inForce).toEqual({ [SIZE]: "8" });
    expect(await change(SIZE, "32")).toBe("banana");
    const state = await readSettingsState(redis);
    expect(state.problems).toEqual([{ fields: [WAIT], reason: `${WAIT}: must be a number` }]);
    expect(state.inForce).toEqual({ [SIZE]: "8" });
    expect(await change(WAIT, undefined)).toBe("apple");
    expect(await readSettingsState(redis)).toEqual({
      written: { [SIZE]: "32" },
      problems: [],
      inForce: { [SIZE]: "32" },
    });
  });

  test("changes at the same moment are all made, each checked against the others", async () => {
    const sizes = Array.from({ length: 8 }, (_, i) => String(i + 1));
    await Promise.all(sizes.map((size) => change(`model.m${size}.batch.max_size`, size)));
    expect(Object.keys(await fixture.redis.hgetall(keys.config))).toHaveLength(8);
    // Each is good by itself, and both together are not.
    const both = await Promise.allSettled([change(WAIT, "6000"), change("queue.ttl_s", "5")]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await readSettingsState(fixture.redis)).problems).toEqual([]);
  });

  test("the script changes nothing if the settings are not what they were checked against", async () => {
    const { redis } = fixture;
    await redis.hset(keys.config, SIZE, "8");
    const before = await dumpState(redis);
    const args = { by: "a", field: WAIT, operation: "set", value: "5", keepEntries: 10 };
    for (const expected of [[], [SIZE, "9"], [SIZE, "8", WAIT, "5"], [WAIT, "8"]]) {
      const at = { config: keys.config, log: keys.configLog };
      expect(await changeSettingScript.run(redis, at, { ...args, "expected...": expected })).toBe("moved");
    }
    expect(await dumpState(redis)).toEqual(before);
  });

  test("the log keeps the latest 1,000 changes", async () => {
    const { redis } = fixture;
    await Promise.all(Array.from({ length: 1_005 }, () => redis.xadd(keys.configLog, "*", "by", "x", "field", SIZE)));
    await change(SIZE, "5");
    expect(await redis.xlen(keys.configLog)).toBe(1_000);
    expect((await readSettingsLog(redis, 1))[0]).toMatchObject({ field: SIZE, new: "5" });
  });
});
