import { bindIdempotencyKey, type IdempotentRequest, namesTask, type RedisClient } from "@sluice/broker";
import { expect, test } from "vitest";
import { confirmKey } from "../src/tasks/lasting-key.js";
import { useApi } from "./api-fixture.js";

const fixture = useApi();
const request: IdempotentRequest & { readonly attempt: number } = {
  owner: "anna",
  key: "k",
  fingerprint: "f",
  taskId: "t1",
  version: "1",
  keptMs: 60_000,
  attempt: 1,
};

/** Confirms everything but its first `failures` commands. */
function writesWith(failures = 0) {
  let calls = 0;
  return {
    confirms: true,
    calls: () => calls,
    async lasting<Result>(_shard: number, command: (redis: RedisClient) => Promise<Result>): Promise<Result> {
      const result = await command(fixture.redis);
      if (calls++ < failures) throw new Error("not confirmed");
      return result;
    },
  };
}

test("a key that is there needs one confirmation, and where nothing is promised none", async () => {
  await bindIdempotencyKey(fixture.redis, request);
  const writes = writesWith();
  await confirmKey(writes, request)();
  expect(writes.calls()).toBe(1);
  const promisesNothing = { ...writesWith(), confirms: false };
  await confirmKey(promisesNothing, request)();
  expect(promisesNothing.calls()).toBe(0);
});

test("a key that was lost while its task was admitted names it again", async () => {
  await bindIdempotencyKey(fixture.redis, request);
  const keyLasts = confirmKey(writesWith(1), request);
  await fixture.redis.del(...(await fixture.redis.keys("sluice:{*}:key:*")));
  await keyLasts();
  expect(await namesTask(fixture.redis, request, "t1")).toBe(true);
});

test.each([
  ["nobody confirms", "t1", 99],
  ["another request has bound meanwhile", "t2", 0],
])("a key that %s leaves open whether the task was accepted", async (_name, taskId, failures) => {
  await bindIdempotencyKey(fixture.redis, { ...request, taskId });
  await expect(confirmKey(writesWith(failures), request)()).rejects.toMatchObject({ code: "durability-unconfirmed" });
});
