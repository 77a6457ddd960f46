import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectRedis, parseRedisUrl, type RedisClient } from "@sluice/broker";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTexts } from "../src/load/texts.js";
import { measureAdmissions } from "../src/durability/admission-window.js";
import { DURABILITY_LEVELS } from "../src/durability/durability-level.js";
import { pricesOf } from "../src/durability/level-price.js";
import { type LevelRun, measureRounds, rotate } from "../src/durability/measure-rounds.js";
import { openLevel } from "../src/durability/open-level.js";
import { type LevelServer, withLevelServers } from "../src/durability/start-level-servers.js";

const log = pino({ level: "silent" });
const NAMES = DURABILITY_LEVELS.map(({ name }) => name);

let parent: string;
beforeAll(async () => void (parent = await mkdtemp(join(tmpdir(), "sluice-bench-"))));
afterAll(() => rm(parent, { recursive: true, force: true }));

describe("measureRounds", () => {
  it("measures every level that the server knows in each round", async () => {
    const folder = join(parent, "levels");
    await withLevelServers(DURABILITY_LEVELS, folder, async ({ servers, pids }) => {
      expect(pids).toHaveLength(5);
      const timing = { warmUpMs: 10, measureMs: 60 };
      const plan = { servers, timing, rounds: 2, soakMs: 10, inFlight: [1, 8], inputBytes: 512, seed: 1, folder };
      const { runs, server, forcedWriteMs } = await measureRounds(plan, log);
      const known = await knownLevels(servers);
      expect(server).toMatch(/^(?:redis|valkey) \d+\.\d+/);
      expect(forcedWriteMs).toBeGreaterThan(0);
      const expected = [0, 1].flatMap((round) =>
        [1, 8].flatMap((inFlight) => rotate(known, round).map((level) => ({ level, inFlight, round }))),
      );
      expect(runs.map(({ level, inFlight, round }) => ({ level, inFlight, round }))).toEqual(expected);
      for (const { perS, unconfirmed } of runs) expect(perS + unconfirmed).toBeGreaterThan(0);
    });
    expect(await readdir(parent)).toEqual([]);
  });
});

describe("openLevel", () => {
  it("has each admission confirmed in the way of its level, and in no other", async () => {
    await withLevelServers(DURABILITY_LEVELS, join(parent, "each"), async ({ servers }) => {
      for (const server of servers) {
        const level = await openLevel(server, log);
        if (!level) continue;
        const redis = await connect(server);
        await redis.call("CONFIG", "RESETSTAT");
        const texts = createTexts({ textBytes: 512, seed: 3 });
        await measureAdmissions(level, texts, { inFlight: 1, warmUpMs: 0, measureMs: 20 });
        const more = expect.any(Number) as number;
        const { durability, needsWaitAof } = server.level;
        const expected = durability.level === "replicated" ? { wait: more } : needsWaitAof ? { waitaof: more } : {};
        expect(await confirmationsOf(redis)).toEqual(expected);
        redis.disconnect();
        level.close();
      }
    });
  });

  it("admits new tasks only, and forgets them when it is cleared, on the replica as well", async () => {
    const replicated = DURABILITY_LEVELS.filter(({ replicas }) => replicas > 0);
    await withLevelServers(replicated, join(parent, "one"), async ({ servers: [server] }) => {
      if (!server) throw new Error("no server");
      const level = await openLevel(server, log);
      if (!level) throw new Error("not known");
      const { answered } = await measureAdmissions(level, createTexts({ textBytes: 512, seed: 2 }), SHORT);
      expect(answered).toBeGreaterThan(0);
      await expect(measureAdmissions(level, () => "always the same", SHORT)).rejects.toThrow(/answered joined/);
      const redis = await connect(server);
      expect(await redis.dbsize()).toBeGreaterThan(0);
      await level.clear();
      expect(await redis.dbsize()).toBe(0);
      redis.disconnect();
      level.close();
    });
  });
});

describe("measureAdmissions", () => {
  it("counts what nobody confirmed apart from everything else", async () => {
    let admitted = 0;
    const admit = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return ++admitted % 3 > 0;
    };
    const texts = createTexts({ textBytes: 512, seed: 4 });
    const { answered, unconfirmed } = await measureAdmissions({ admit }, texts, SHORT);
    expect(unconfirmed).toBe(Math.floor(admitted / 3));
    expect(answered + unconfirmed).toBe(admitted);
  });
});

describe("rotate", () => {
  it("puts each in each place once in as many rounds", () => {
    expect([0, 1, 2, 3].map((round) => rotate(["a", "b", "c"], round).join(""))).toEqual(["abc", "bca", "cab", "abc"]);
    expect(rotate([], 1)).toEqual([]);
  });
});

describe("pricesOf", () => {
  const run = (level: string, round: number, perS: number, ms: number): LevelRun => ({
    ...{ level, inFlight: 1, round, perS },
    ...{ p50Ms: ms, p99Ms: 10 * ms, unconfirmed: round },
  });

  it("sets each round against memory in the same round, so that a slow round changes nothing", () => {
    const runs = [
      ...[run("memory", 0, 1_000, 1), run("memory", 1, 500, 2), run("memory", 2, 100, 10)],
      ...[run("slow", 2, 50, 20), run("slow", 0, 500, 2), run("slow", 1, 250, 4)],
    ];
    expect(pricesOf(runs, ["memory", "slow", "unknown"], [1])).toEqual([
      {
        ...{ level: "memory", inFlight: 1, unconfirmed: 3 },
        figures: { perS: 500, p50Ms: 2, p99Ms: 20 },
        ofMemory: { perS: 1, p50Ms: 1, p99Ms: 1 },
      },
      {
        ...{ level: "slow", inFlight: 1, unconfirmed: 3 },
        figures: { perS: 250, p50Ms: 4, p99Ms: 40 },
        ofMemory: { perS: 0.5, p50Ms: 2, p99Ms: 2 },
      },
      { level: "unknown", inFlight: 1, figures: undefined, ofMemory: undefined, unconfirmed: 0 },
    ]);
  });
});

const SHORT = { inFlight: 4, warmUpMs: 0, measureMs: 50 };

function connect({ url }: LevelServer): Promise<RedisClient> {
  return connectRedis(parseRedisUrl(url), log);
}

async function knownLevels(servers: readonly LevelServer[]): Promise<string[]> {
  const opened = await Promise.all(servers.map((server) => openLevel(server, log)));
  for (const level of opened) level?.close();
  return NAMES.filter((_, index) => opened[index] !== undefined);
}

/** How often the server was asked for confirmations since its statistics were reset. */
async function confirmationsOf(redis: RedisClient): Promise<Record<string, number>> {
  const calls = (await redis.info("commandstats")).matchAll(/cmdstat_(wait|waitaof):calls=(\d+)/g);
  return Object.fromEntries([...calls].map(([, name = "", count]) => [name, Number(count)]));
}
