import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  createLiveSettings,
  DEFAULT_SETTINGS,
  keys,
  type LiveSettings,
  mayBeOwn,
  parseSettings,
  readSettingsLog,
  SETTING_NAMES,
  type SettingName,
  type Settings,
} from "@sluice/broker";
import { dumpState, silentLog, useRedis } from "../../broker/test/redis-fixture.js";
import { sluice, startSluice } from "./sluice-fixture.js";

const fixture = useRedis();
const run = (...args: string[]) => sluice(fixture.server.url, ...args);
const within1s = { timeout: 1_000, interval: 10 };

/** For each key a value that is not its default, and what a role must see then. */
const KEYS: Record<SettingName, readonly [value: string, field: keyof Settings, seen: string | number]> = {
  "batch.mode": ["fixed", "batchMode", "fixed"],
  "batch.max_size": ["32", "batchMaxSize", 32],
  "batch.max_wait_ms": ["20", "batchMaxWaitMs", 20],
  "batch.slo_ms": ["250", "batchSloMs", 250],
  "batch.thrift": ["0.5", "batchThrift", 0.5],
  "queue.ttl_s": ["30", "queueTtlS", 30],
  "queue.max_depth": ["1600", "queueMaxDepthPerShard", 100],
  "backpressure.redis_memory": ["0.5", "backpressureRedisMemory", 0.5],
  "backpressure.gpu_utilization": ["0.8", "backpressureGpuUtilization", 0.8],
  "backpressure.gpu_memory": ["0.7", "backpressureGpuMemory", 0.7],
  "queue.max_twins": ["100", "queueMaxTwins", 100],
  "dedupe.ttl_s": ["60", "dedupeTtlS", 60],
  "result.ttl_s": ["120", "resultTtlS", 120],
  "cache.ttl_s": ["3600", "cacheTtlS", 3600],
  "retry.max_attempts": ["5", "retryMaxAttempts", 5],
  "retry.base_ms": ["10", "retryBaseMs", 10],
  lease_ms: ["20000", "leaseMs", 20_000],
  "zone.spill_after_ms": ["500", "zoneSpillAfterMs", 500],
  "limits.requests_per_minute": ["60", "limitsRequestsPerMinute", 60],
  "limits.waits_per_caller": ["10", "limitsWaitsPerCaller", 10],
  prefetch: ["2", "prefetch", 2],
};
const rows = SETTING_NAMES.map((key) => {
  const [value, field, seen] = KEYS[key];
  return { key, value, field, seen };
});
const ofModels = rows.filter(({ key }) => mayBeOwn(key));
const expected = (shown: typeof rows) => ({
  ...DEFAULT_SETTINGS.forAll,
  ...Object.fromEntries(shown.map(({ field, seen }) => [field, seen])),
});

describe("every setting is live", () => {
  let settings: LiveSettings;
  beforeEach(async () => {
    settings = createLiveSettings(fixture.redis, silentLog);
    await settings.start();
  });
  afterEach(() => settings.stop());

  test.each(rows)("$key changes what it names, and nothing else", ({ key, value, field, seen }) => {
    expect(parseSettings({ [key]: value }).forAll).toEqual({ ...DEFAULT_SETTINGS.forAll, [field]: seen });
    expect(DEFAULT_SETTINGS.forAll[field]).not.toBe(seen);
  });

  test("through HSET, for all models and for one: seen by roles within a second", async () => {
    const { redis } = fixture;
    await redis.hset(keys.config, Object.fromEntries(rows.map(({ key, value }) => [key, value])));
    await vi.waitFor(() => expect(settings.current().forAll).toEqual(expected(rows)), within1s);
    await redis.del(keys.config);
    await vi.waitFor(() => expect(settings.current().forAll).toEqual(DEFAULT_SETTINGS.forAll), within1s);
    await redis.hset(keys.config, Object.fromEntries(ofModels.map(({ key, value }) => [`model.m.${key}`, value])));
    await vi.waitFor(() => expect(settings.current().forModel("m")).toEqual(expected(ofModels)), within1s);
    expect(settings.current().forModel("other")).toEqual(DEFAULT_SETTINGS.forAll);
  });

  test("through the command, for all models and for one: seen by roles within a second", async () => {
    for (const { key, value } of rows) expect((await run("config", "set", key, value)).code).toBe(0);
    await vi.waitFor(() => expect(settings.current().forAll).toEqual(expected(rows)), within1s);
    for (const { key } of rows) expect((await run("config", "unset", key)).code).toBe(0);
    await vi.waitFor(() => expect(settings.current().forAll).toEqual(DEFAULT_SETTINGS.forAll), within1s);
    for (const { key, value } of ofModels) await run("config", "set", key, value, "--model", "m");
    await vi.waitFor(() => expect(settings.current().forModel("m")).toEqual(expected(ofModels)), within1s);
    expect(settings.current().forModel("other")).toEqual(DEFAULT_SETTINGS.forAll);
    expect(await readSettingsLog(fixture.redis, 1_000)).toHaveLength(2 * rows.length + ofModels.length);
    expect(settings.refusedCount()).toBe(0);
  });
});

describe("sluice config", () => {
  test("set and unset show what was before, note who did it, and get shows what holds", async () => {
    expect(await run("config", "get", "batch.max_size")).toEqual({ code: 0, out: "64\n", err: "" });
    const set = await run("config", "set", "batch.max_size", "32");
    expect(set).toEqual({ code: 0, out: "batch.max_size: 64 (the default) -> 32\n", err: "" });
    const again = await run("config", "set", "batch.max_size", "16", "--by", "bert");
    expect(again.out).toBe("batch.max_size: 32 -> 16\n");
    const own = await run("config", "set", "model.shapes.batch.max_size", "8");
    expect(own.out).toBe("model.shapes.batch.max_size: 16 (as for all models) -> 8\n");
    expect(own.err).toBe("no model shapes is registered\n");
    expect((await run("config", "get", "batch.max_size", "--model", "shapes")).out).toBe("8\n");
    expect((await run("config", "get", "batch.max_size", "--model", "other")).out).toBe("16\n");
    const unset = await run("config", "unset", "batch.max_size");
    expect(unset.out).toBe("batch.max_size: 16 -> 64 (the default)\n");
    const log = (await run("config", "log")).out.trimEnd().split("\n");
    expect(log.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}/, ""))).toEqual([
      "batch.max_size: not set -> 32  (anna@here)",
      "batch.max_size: 32 -> 16  (bert)",
      "model.shapes.batch.max_size: not set -> 8  (anna@here)",
      "batch.max_size: 16 -> not set  (anna@here)",
    ]);
  });

  test.each([
    [["config", "set", "batch.max_size", "banana"], "refused: batch.max_size: must be a number"],
    [["config", "set", "batch.max_size", "0", "--model", "m"], "refused: model.m.batch.max_size: "],
    [["config", "set", "batch.maxsize", "3"], "refused: batch.maxsize: no such setting"],
    [["config", "unset", "batch.maxsize"], "refused: batch.maxsize: no such setting"],
    [["config", "get", "batch.maxsize"], "refused: batch.maxsize: no such setting"],
    [["config", "set", "rate_limit.per_minute", "10"], "refused: rate_limit.per_minute: no such setting"],
    [
      ["config", "set", "batch.max_wait_ms", "60000"],
      "refused: batch.max_wait_ms (60000) must be below queue.ttl_s (60)",
    ],
    [["config", "set", "batch.max_size"], "there is no command config set batch.max_size"],
    [["config", "list", "more"], "there is no command config list more"],
    [["lane"], "there is no command lane"],
    [["config", "list", "--color"], "--color"],
    [[], "there is no command without a name"],
  ])("%j is refused with the reason and code 2, and nothing is changed", async (args, reason) => {
    const before = await dumpState(fixture.redis);
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(reason);
    expect(await dumpState(fixture.redis)).toEqual(before);
  });

  test("list shows what holds, what is written, and which value is refused", async () => {
    const { redis } = fixture;
    const settings = createLiveSettings(redis, silentLog);
    await settings.start();
    await redis.hset(keys.config, { "batch.max_wait_ms": "5", "model.shapes.batch.max_size": "8" });
    await vi.waitFor(() => expect(settings.current().forAll.batchMaxWaitMs).toBe(5), within1s);
    await redis.hset(keys.config, { "batch.max_size": "banana", "batch.slo_ms": "100", "batch.colour": "red" });
    await vi.waitFor(() => expect(settings.refusedCount()).toBe(1), within1s);
    await settings.stop();
    const lines = (await run("config", "list")).out.split("\n").map((line) => line.split(/ {2,}/));
    for (const row of [
      ["batch.max_size", "64", "banana", "64", "REFUSED"],
      ["model.shapes.batch.max_size", "8", "8", "64"],
      ["batch.max_wait_ms", "5", "5", "50"],
      ["batch.slo_ms", "500", "100", "500", "not taken yet"],
      ["batch.colour", "-", "red", "-", "REFUSED: no such setting"],
      ["", "batch.max_size: must be a number"],
    ]) {
      expect(lines).toContainEqual(row);
    }
    for (const name of SETTING_NAMES) expect(lines.map(([first]) => first)).toContain(name);
    const get = await run("config", "get", "batch.slo_ms");
    expect(get.out).toBe("500\n");
    expect(get.err).toMatch(/^100 is written, but not taken: .*batch\.max_size: must be a number/);
    // One problem less is better, though the set is not good yet.
    await redis.hdel(keys.config, "batch.colour");
    const mended = await run("config", "unset", "batch.max_size");
    expect(mended).toEqual({ code: 0, out: "batch.max_size: banana -> 64 (the default)\n", err: "" });
    expect((await run("config", "list")).out).not.toContain("REFUSED");
  });

  test("watch prints each change as it comes, who made it, and what is refused", async () => {
    const { redis, server } = fixture;
    await redis.hset(keys.config, "batch.max_size", "32");
    const { printed, ended, stop } = startSluice(server.url, ["config", "watch"]);
    const shown = () =>
      printed.out
        .replace(/^\S+Z {2}/gm, "")
        .trimEnd()
        .split("\n");
    // It prints nothing before the first change: what comes before it has begun would be missed.
    await vi.waitFor(async () => expect(await redis.client("LIST")).toMatch(/cmd=exec/), { timeout: 5_000 });
    await run("config", "set", "batch.max_size", "16");
    await run("config", "set", "batch.max_size", "8", "--by", "bert");
    await vi.waitFor(() => expect(shown()).toHaveLength(2), 5_000);
    await redis.hset(keys.config, "batch.max_size", "banana");
    await vi.waitFor(() => expect(shown()).toHaveLength(4), 5_000);
    await redis.hdel(keys.config, "batch.max_size");
    await vi.waitFor(() => expect(shown()).toHaveLength(6), 5_000);
    stop();
    expect(await ended).toBe(0);
    expect(shown()).toEqual([
      "batch.max_size: 32 -> 16  (anna@here)",
      "batch.max_size: 16 -> 8  (bert)",
      "batch.max_size: 8 -> banana  (not by command)",
      "refused: batch.max_size: must be a number",
      "batch.max_size: banana -> not set  (not by command)",
      "all settings are good again",
    ]);
  });

  test("the program takes REDIS_URL from its environment and ends with the code of the command", async () => {
    const program = fileURLToPath(new URL("../bin/sluice.mjs", import.meta.url));
    const start = async (...args: string[]) => {
      const env = { ...process.env, REDIS_URL: fixture.server.url };
      const child = spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
      return { code: child.exitCode, out, err };
    };
    expect(await start("config", "set", "batch.max_size", "32", "--by", "anna")).toEqual({
      code: 0,
      out: "batch.max_size: 64 (the default) -> 32\n",
      err: "",
    });
    expect(await start("config", "set", "batch.max_size", "banana")).toEqual({
      code: 2,
      out: "",
      err: "refused: batch.max_size: must be a number\n",
    });
    expect(await fixture.redis.hgetall(keys.config)).toEqual({ "batch.max_size": "32" });
  });

  test("without a Redis it says so, and ends with code 1", async () => {
    const { code, err } = await sluice("redis://127.0.0.1:1", "config", "list");
    expect({ code, err }).toEqual({ code: 1, err: "Redis cannot be reached\n" });
  });

  test("help shows every command", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    for (const word of ["get", "set", "unset", "list", "watch", "log"]) expect(out).toContain(`sluice config ${word}`);
    for (const word of ["lanes", "top"]) expect(out).toContain(`sluice ${word}`);
  });
});
