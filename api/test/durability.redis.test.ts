import { startRedisServer } from "@sluice/stack";
import { describe, expect, test } from "vitest";
import { countRuns } from "./api-fixture.js";
import { submit, useDurableApis } from "./durable-api.js";
import { echoOf, settle } from "./fake-worker.js";

const { start, startApi } = useDurableApis();
const startServer = (options: Parameters<typeof startRedisServer>[0]) => start(startRedisServer(options));

async function readiness(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/healthz/ready`);
  return { status: response.status, body: await response.json() };
}

describe("replicated", () => {
  test("what no replica has is not accepted; repeated with its key it is one task", async () => {
    const master = await startServer({ appendonly: "everysec", extraArgs: ["--repl-diskless-sync-delay", "0"] });
    const replica = await startServer({ extraArgs: ["--replicaof", "127.0.0.1", String(master.port)] });
    const { url, redis } = await startApi(master.url, { level: "replicated", replicas: 1 });
    await expect.poll(async () => (await submit(url, "first")).status, { timeout: 10_000 }).toBe(202);
    replica.kill("SIGSTOP");
    const unsure = await submit(url, "second");
    expect(unsure).toMatchObject({ status: 503, body: { code: "durability-unconfirmed" } });
    replica.kill("SIGCONT");
    await expect.poll(async () => (await submit(url, "second")).status, { timeout: 10_000 }).toBe(202);
    const [again, other] = [await submit(url, "second"), await submit(url, "first")];
    expect(again.body["task_id"]).not.toBe(other.body["task_id"]);
    // Equal inputs are one run with two tasks.
    expect(await countRuns(redis)).toBe(1);
    const key = (await redis.keys("*:run:*")).find((name) => !name.endsWith(":tasks"));
    expect(await redis.hget(key ?? "", "live")).toBe("2");
  });

  test("a result is told only when the replica has it, whoever stored it, and so is a cancellation", async () => {
    const master = await startServer({ appendonly: "everysec", extraArgs: ["--repl-diskless-sync-delay", "0"] });
    const replica = await startServer({ extraArgs: ["--replicaof", "127.0.0.1", String(master.port)] });
    const { url, redis } = await startApi(master.url, { level: "replicated", replicas: 1 });
    await expect.poll(async () => (await submit(url, "first", "one")).status, { timeout: 10_000 }).toBe(202);
    const first = String((await submit(url, "first", "one")).body["task_id"]);
    const second = String((await submit(url, "second", "two")).body["task_id"]);
    const read = async (taskId: string): Promise<[number, unknown]> => {
      const response = await fetch(`${url}/v1/result/${taskId}`);
      return [response.status, ((await response.json()) as Record<string, unknown>)["status"]];
    };
    expect(await read(first)).toEqual([200, "PENDING"]);
    replica.kill("SIGSTOP");
    expect(await settle(redis, first, echoOf("ONE"))).toBe("settled");
    expect((await read(first))[0]).toBe(503);
    expect((await fetch(`${url}/v1/tasks/${second}/cancel`, { method: "POST" })).status).toBe(503);
    replica.kill("SIGCONT");
    await expect.poll(() => read(first), { timeout: 10_000 }).toEqual([200, "SUCCESS"]);
    const cancel = async () => (await fetch(`${url}/v1/tasks/${second}/cancel`, { method: "POST" })).status;
    await expect.poll(cancel, { timeout: 10_000 }).toBe(200);
    expect(await read(second)).toEqual([200, "CANCELED"]);
  });

  test("without the replicas that were promised nothing is ready", async () => {
    const master = await startServer({});
    const { url } = await startApi(master.url, { level: "replicated", replicas: 1 });
    expect(await readiness(url)).toEqual({
      status: 503,
      body: {
        status: "promises cannot be kept",
        problems: [`127.0.0.1:${master.port}: 0 of 1 replicas are connected`],
      },
    });
  });
});

test("a server that cannot promise what was asked for is refused at start, in one sentence", async () => {
  const starting = startApi((await startServer({})).url, { level: "fsync" });
  await expect(starting).rejects.toMatchObject({
    code: "config-invalid",
    message: "durability fsync needs appendonly yes",
  });
});

describe("a server whose settings are changed while the api promises fsync", () => {
  test.each([
    ["appendfsync", "always", "everysec", "needs WAITAOF"],
    ["appendonly", "yes", "no", "needs appendonly yes"],
  ])("%s: what is not on the disk is not accepted", async (setting, good, bad, problem) => {
    const server = await startServer({ appendonly: "always" });
    const { url, redis } = await startApi(server.url, { level: "fsync" });
    expect((await submit(url, "before")).status).toBe(202);
    await redis.config("SET", setting, bad);
    const unsure = await submit(url, "after");
    expect(unsure).toMatchObject({ status: 503, body: { code: "durability-unconfirmed" } });
    await expect.poll(async () => (await readiness(url)).status, { timeout: 4_000 }).toBe(503);
    expect(JSON.stringify((await readiness(url)).body)).toContain(problem);
    // Known by now: it is refused before anything is written.
    const keysBefore = (await redis.keys("*")).sort();
    expect(await submit(url, "later")).toMatchObject({ status: 503, body: { code: "durability-unconfirmed" } });
    expect((await redis.keys("*")).sort()).toEqual(keysBefore);
    await redis.config("SET", setting, good);
    // The first of them may have been accepted: its key says when it is taken over.
    await expect.poll(async () => (await submit(url, "after")).status, { timeout: 10_000 }).toBe(202);
    expect((await submit(url, "later")).status).toBe(202);
    await expect.poll(async () => (await readiness(url)).status, { timeout: 4_000 }).toBe(200);
  });
});

test("a server that evicts makes nothing ready until that is mended", async () => {
  const server = await startServer({ extraArgs: ["--maxmemory-policy", "allkeys-lru"] });
  const { url, redis } = await startApi(server.url, { level: "memory" });
  expect((await readiness(url)).status).toBe(503);
  await redis.config("SET", "maxmemory-policy", "noeviction");
  await expect.poll(async () => (await readiness(url)).status, { timeout: 10_000 }).toBe(200);
});
