import type { Command } from "ioredis";
import { describe, expect, test } from "vitest";
import {
  announceBatcher,
  type BatchClass,
  countLiveSlots,
  createNoticeReader,
  dropIdleSlots,
  findDeadNotices,
  finishBatch,
  heartbeatSlots,
  keys,
  publishBatch,
  type RedisClient,
} from "../src/index.js";
import { useRedis } from "./redis-fixture.js";
import { noticeOf } from "./task-fixture.js";

const fixture = useRedis();

const publish = (batchId: string, batchClass: BatchClass = "now") =>
  publishBatch(fixture.redis, "p", { batchClass, notice: noticeOf([], batchId), prefetch: 3 });

/** A slot that joins as a worker does: it is on the list before it pulls. */
async function joinAndPull(slot: string, classes: readonly BatchClass[] = ["now", "bulk"]): Promise<string[]> {
  await heartbeatSlots(fixture.redis, "p", [slot]);
  const reader = createNoticeReader(fixture.target, fixture.redis, "p", slot);
  const pulled = await reader.pull(classes, 100);
  reader.close();
  return pulled.map(({ notice }) => notice?.batchId ?? "");
}

/** A client on which `reply` answers each command in its own way, given how to have it carried out. */
function intercepted(
  redis: RedisClient,
  reply: (command: Command, carryOut: () => Promise<unknown>) => Promise<unknown>,
): RedisClient {
  return new Proxy(redis, {
    get(target, property, receiver) {
      if (property !== "sendCommand") return Reflect.get(target, property, receiver) as unknown;
      return (command: Command) => reply(command, () => target.sendCommand(command) as Promise<unknown>);
    },
  });
}

describe("slots that joined just now", () => {
  /** Looks for dead notices while a slot joins and pulls before the `at`-th command; says how many commands there were. */
  async function lookWhileJoining(at: number) {
    await fixture.redis.flushall();
    await heartbeatSlots(fixture.redis, "p", ["old"]);
    await publish("of-old");
    await joinAndPull("old");
    await publish("waits");
    await publish("waits-too", "bulk");
    let count = 0;
    const redis = intercepted(fixture.redis, async (_command, carryOut) => {
      if (++count === at) expect(await joinAndPull("fresh")).toEqual(["waits", "waits-too"]);
      return await carryOut();
    });
    const dead = await findDeadNotices(redis, "p");
    return { dead, count };
  }

  test("are not taken for dead, whenever they join and pull in the middle of a look", async () => {
    let at = 1;
    for (let commands = 1; at <= commands; at++) {
      const look = await lookWhileJoining(at);
      expect(look.dead, `joined before command ${at}`).toEqual([]);
      commands = look.count;
    }
    expect(at).toBeGreaterThan(3);
  });

  test("the control: a slot that is silent is found in both classes, with its notices", async () => {
    const { redis } = fixture;
    await heartbeatSlots(redis, "p", ["silent"]);
    await publish("a");
    await publish("b", "bulk");
    await joinAndPull("silent");
    await redis.zadd(keys.slots("p"), 1, "silent");
    expect(await findDeadNotices(redis, "p")).toMatchObject([
      { slot: "silent", batchClass: "now", notice: { batchId: "a" } },
      { slot: "silent", batchClass: "bulk", notice: { batchId: "b" } },
    ]);
  });
});

test("whoever is alive is told by the server that holds the heartbeats: no other server's clock is asked", async () => {
  const hourAhead = intercepted(fixture.redis, async (command, carryOut) => {
    if (command.name.toLowerCase() !== "time") return await carryOut();
    return [String(Math.floor(Date.now() / 1_000) + 3_600), "0"];
  });
  await heartbeatSlots(fixture.redis, "p", ["w#0"]);
  expect(await countLiveSlots(hourAhead, "p")).toBe(1);
  await publish("a");
  await joinAndPull("w#0");
  expect(await findDeadNotices(hourAhead, "p")).toEqual([]);
  await announceBatcher(fixture.redis, { batcher: "b1" });
  expect((await announceBatcher(hourAhead, { batcher: "b2" })).sort()).toEqual(["b1", "b2"]);
});

describe("consumers of slots that are gone", () => {
  const message = { batchId: "", serviceMs: 0, unsettled: [] };
  const consumers = async (batchClass: BatchClass) => {
    const rows = (await fixture.redis.xinfo("CONSUMERS", keys.notices("p", batchClass), "workers")) as unknown[][];
    return rows.map((row) => row[1]).sort();
  };
  const holderOf = async (batchClass: BatchClass) => {
    const pending = await fixture.redis.xpending(keys.notices("p", batchClass), "workers", "-", "+", 10);
    return pending as [noticeId: string, slot: string][];
  };

  test("are forgotten in both classes, but never one that holds a notice, however long it has been silent", async () => {
    const { redis } = fixture;
    expect(await dropIdleSlots(redis, "p", -1)).toBe(0);
    await heartbeatSlots(redis, "p", ["holder"]);
    for (const batchClass of ["now", "bulk"] as const) await publish(`${batchClass}-held`, batchClass);
    await joinAndPull("holder");
    for (const slot of ["gone-1", "gone-2"]) expect(await joinAndPull(slot)).toEqual([]);
    expect(await dropIdleSlots(redis, "p", 1_000_000)).toBe(0);
    for (const batchClass of ["now", "bulk"] as const) {
      expect(await consumers(batchClass)).toEqual(["gone-1", "gone-2", "holder"]);
    }
    // Everybody has been silent for longer than -1 ms.
    expect(await dropIdleSlots(redis, "p", -1)).toBe(4);
    for (const batchClass of ["now", "bulk"] as const) {
      expect(await consumers(batchClass)).toEqual(["holder"]);
      const [[noticeId, slot] = ["", ""]] = await holderOf(batchClass);
      expect(slot).toBe("holder");
      expect(await finishBatch(redis, "p", { batchClass, slot, noticeId, message })).toBe("finished");
    }
    expect(await dropIdleSlots(redis, "p", -1)).toBe(2);
    for (const batchClass of ["now", "bulk"] as const) expect(await consumers(batchClass)).toEqual([]);
  });

  test("a slot that was alive after all is made again when it pulls", async () => {
    const { redis, target } = fixture;
    await heartbeatSlots(redis, "p", ["w#0"]);
    const reader = createNoticeReader(target, redis, "p", "w#0");
    expect(await reader.pull(["now", "bulk"], 10)).toEqual([]);
    expect(await dropIdleSlots(redis, "p", -1)).toBe(2);
    await publish("after");
    expect(await reader.pull(["now", "bulk"], 100)).toMatchObject([{ notice: { batchId: "after" } }]);
    reader.close();
  });

  test("without the group there is nothing to forget, and it is not made", async () => {
    const { redis } = fixture;
    await redis.xadd(keys.notices("p", "now"), "*", "a", "b");
    expect(await dropIdleSlots(redis, "p", 0)).toBe(0);
    expect(await redis.xinfo("GROUPS", keys.notices("p", "now"))).toEqual([]);
  });
});
