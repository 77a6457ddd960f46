import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  admitTask,
  type BatchClass,
  cancelTask,
  claimRuns,
  expireRuns,
  keys,
  parseTaskId,
  readTask,
  type RedisClient,
  settleRuns,
  unclaimRuns,
} from "../src/index.js";
import { loadLua } from "../src/scripts/load-lua.js";
import { useRedis } from "./redis-fixture.js";
import { FAILURE, noticeOf, RECORD, SETTINGS, successOf, taskOf } from "./task-fixture.js";

const fixture = useRedis();
const TEXTS = ["a", "b"];

/** One random step: what, on which of the tasks admitted so far, by which slot. */
const step = fc.record({
  kind: fc.constantFrom(
    "admit",
    "admit",
    "cancel",
    "expire",
    "read",
    "claim",
    "claim",
    "settle",
    "fail",
    "returned",
    "died",
  ),
  text: fc.constantFrom(...TEXTS),
  batchClass: fc.constantFrom<BatchClass>("now", "bulk"),
  late: fc.boolean(),
  pick: fc.nat(9),
  slot: fc.constantFrom("w1", "w2"),
});
type Step = Parameters<Parameters<typeof step.map>[0]>[0];

interface World {
  readonly redis: RedisClient;
  readonly tasks: { taskId: string; runId: string }[];
  /** Terminal answers that were told; they must never change. */
  readonly told: Map<string, string>;
}

async function act({ redis, tasks }: World, { kind, text, batchClass, late, pick, slot }: Step): Promise<void> {
  if (kind === "admit") {
    const request = taskOf(text, { batchClass, ttlMs: late ? 0 : 60_000 });
    const reply = await admitTask(redis, request, SETTINGS);
    if (reply.kind !== "full") tasks.push({ taskId: request.taskId, runId: reply.runId });
    return;
  }
  const task = tasks[pick % Math.max(1, tasks.length)];
  if (!task) return;
  const { runId } = task;
  const settlement = {
    runId,
    outcome: kind === "fail" ? FAILURE : successOf(`${slot}${Math.random()}`),
    record: RECORD,
  };
  if (kind === "cancel") await cancelTask(redis, task.taskId, "anna");
  else if (kind === "read") await readTask(redis, task.taskId);
  else if (kind === "expire") await expireRuns(redis, [{ runId, shard: parseTaskId(runId)?.shard ?? 0 }], 0);
  else if (kind === "claim")
    await claimRuns(redis, noticeOf([runId]), { slot, leaseMs: late ? 1 : 15_000, keepMs: 60_000 });
  else if (kind === "returned" || kind === "died")
    await unclaimRuns(redis, [runId], { slot, batchId: "batch-1", kind });
  else await settleRuns(redis, [settlement], 60_000);
}

/** The invariants Custody, NoStray, Counting, OnRun and Stable of the protocol, read from Redis as it is. */
async function check(world: World): Promise<void> {
  const { redis, tasks, told } = world;
  const entries = new Map<string, number>();
  for (const stream of await redis.keys("sluice:*:ready:*")) {
    for (const [, fields] of await redis.xrange(stream, "-", "+")) {
      const [runId = ""] = fields[1]?.split(" ") ?? [];
      entries.set(runId, (entries.get(runId) ?? 0) + 1);
    }
  }
  for (const runId of new Set([...tasks.map((task) => task.runId), ...entries.keys()])) {
    const { shard } = parseTaskId(runId) ?? { shard: 0 };
    const [state, live] = await redis.hmget(keys.run(shard, runId), "state", "live");
    expect((entries.get(runId) ?? 0) > 0, "an entry exactly as long as the run is open").toBe(state === "OPEN");
    const on: string[] = [];
    for (const task of tasks.filter((other) => other.runId === runId)) {
      if ((await redis.hget(keys.task(shard, task.taskId), "state")) === null) on.push(task.taskId);
    }
    if (state === "OPEN") expect(Number(live), "live counts the tasks on an open run").toBe(on.length);
    else expect(await redis.hget(keys.run(shard, runId), "lease"), "only an open run is leased").toBeNull();
    if (on.length > 0) expect(["OPEN", "SUCCESS", "FAILED"], "a task is on a run that answers").toContain(state);
    const output = await redis.hget(keys.run(shard, runId), "output");
    for (const task of tasks.filter((other) => other.runId === runId)) {
      const own = await redis.hget(keys.task(shard, task.taskId), "state");
      const answer = own ?? (state === "OPEN" ? undefined : `${state} ${output}`);
      if (told.has(task.taskId)) expect(answer, "a terminal answer never changes").toBe(told.get(task.taskId));
      if (answer !== undefined) told.set(task.taskId, answer);
    }
  }
}

async function explore(redis: RedisClient, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await fixture.redis.flushall();
      const world: World = { redis, tasks: [], told: new Map() };
      for (const one of steps) {
        await act(world, one);
        await check(world);
      }
    }),
    { numRuns, seed: 20, endOnFailure: true },
  );
}

/** A client that sends a broken script wherever the sound one would go. */
function withBrokenScript(redis: RedisClient, name: string, from: string, to: string): RedisClient {
  const { text, sha1 } = loadLua(name);
  if (!text.includes(from)) throw new Error(`${name} does not contain ${from}`);
  const broken = text.replaceAll(from, to);
  return new Proxy(redis, {
    get(target, property, receiver) {
      if (property !== "sendCommand") return Reflect.get(target, property, receiver) as unknown;
      return (command: { name: string; args: unknown[] }) => {
        if (command.args[0] !== sha1) return target.sendCommand(command as never);
        const [, count, ...rest] = command.args as [string, string, ...string[]];
        return target.callBuffer("EVAL", broken, count, ...rest);
      };
    },
  });
}

describe("custody under random interleavings", () => {
  test("every invariant holds after every step", async () => {
    await explore(fixture.redis, 150);
  }, 60_000);

  test.each([
    ["settle", "fields[1] ~= 'OPEN'", "false", "settle without the open check"],
    [
      "settle",
      "remove_entries(shard, fields[2], fields[3], fields[4], fields[5])",
      "",
      "settle that forgets the entries",
    ],
    [
      "admit",
      "fields[1] == 'OPEN'",
      "fields[1] == 'OPEN' or fields[1] == 'FAILED'",
      "attaching to a run that failed [R1]",
    ],
    ["admit", "redis.call('HINCRBY', run_key, 'live', 1)", "", "a twin that is not counted"],
    ["cancel", "if state ~= 'OPEN' then", "if false then", "cancelling a finished task"],
    [
      "cancel",
      "if redis.call('HINCRBY', run, 'live', -1) > 0 then",
      "if false then",
      "a cancellation that takes the twins along",
    ],
    ["claim", "if state ~= 'OPEN' then", "if false then", "claiming a run that is closed"],
  ])(
    "control: %s with %j turned into %j is caught (%s)",
    async (name, from, to) => {
      await expect(explore(withBrokenScript(fixture.redis, name, from, to), 150)).rejects.toThrow();
    },
    60_000,
  );
});
