import {
  createApiKey,
  createLiveSettings,
  createTaskId,
  keys,
  listApiKeys,
  revokeApiKey,
  type Scope,
  systemClock,
} from "@sluice/broker";
import { connect } from "node:net";
import { beforeEach, describe, expect, test } from "vitest";
import { createIdentify, type Identify } from "../../src/identity/identify.js";
import { createKeyCheck } from "../../src/identity/key-check.js";
import { createRateLimiter } from "../../src/identity/rate-limiter.js";
import { silentLog } from "../../../broker/test/redis-fixture.js";
import { type Answer, countRuns, until, useApi } from "../api-fixture.js";
import { echoOf, settle } from "../fake-worker.js";

let identify: Identify;
const fixture = useApi({ deps: { identify: (exchange, scope) => identify(exchange, scope) } });

beforeEach(() => {
  const { redis } = fixture;
  const deps = { redis, clock: systemClock, log: silentLog, settings: createLiveSettings(redis, silentLog) };
  identify = createIdentify({ checkKey: createKeyCheck(deps) }, createRateLimiter(deps));
});

async function keyOf(owner: string, scopes: readonly Scope[] = ["submit", "read"], requestsPerMinute?: number) {
  const wanted = { name: owner, owner, scopes, createdMs: Date.now(), requestsPerMinute };
  return (await createApiKey(fixture.redis, wanted)).text;
}
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const submit = (text: string, headers: Record<string, string>) => fixture.submit(text, {}, headers);

/** Every route that wants to know who asks, with a task id where it has one. */
const ROUTES: readonly (readonly ["GET" | "POST", (id: string) => string, Scope])[] = [
  ["POST", () => "/v1/inference", "submit"],
  ["POST", () => "/classify", "submit"],
  ["POST", () => "/v1/recognize", "submit"],
  ["GET", (id) => `/v1/recognize/${id}`, "read"],
  ["GET", (id) => `/v1/result/${id}`, "read"],
  ["POST", (id) => `/v1/tasks/${id}/cancel`, "submit"],
  ["POST", (id) => `/v1/tasks/${id}/retry`, "submit"],
  ["GET", () => "/models", "read"],
];
const ofTasks = ROUTES.filter(([, path]) => path("ID").includes("ID"));

describe("with identity on", () => {
  test("a key is taken in either header, and its use is noted", async () => {
    const key = await keyOf("anna");
    expect((await submit("a", bearer(key))).status).toBe(202);
    expect((await submit("b", { "x-api-key": key })).status).toBe(202);
    await until(async () => (await listApiKeys(fixture.redis))[0]?.lastUsedMs !== undefined);
    expect((await fixture.ask("/healthz/live")).body).toEqual({ status: "live", identity: "on" });
  });

  test.each(ROUTES)("%s %o asks who it is, before anything else, and for its scope", async (method, path, scope) => {
    const ask = (headers: Record<string, string>) =>
      fixture.ask(path("not-an-id"), { method, headers, ...bodyOf(method) });
    const anonymous = await ask({});
    expect(anonymous).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    expect(anonymous.headers["www-authenticate"]).toBe('Bearer realm="sluice"');
    const wrong = await ask(bearer(`sk_00000000_${"a".repeat(43)}`));
    expect(wrong).toMatchObject({ status: 401, body: { code: "invalid-token" } });
    const others = (["submit", "read", "admin"] as const).filter((other) => other !== scope);
    const refused = await ask(bearer(await keyOf("anna", others)));
    expect(refused).toMatchObject({ status: 403, body: { code: "insufficient-scope" } });
    expect(await fixture.workKeys()).toEqual(expect.not.arrayContaining([expect.stringContaining(":run:")]));
    expect([401, 403]).not.toContain((await ask(bearer(await keyOf("anna", [scope])))).status);
  });

  test("B25, B31: two keys are 400, and one in the URL too", async () => {
    const key = await keyOf("anna");
    const both = await submit("a", { ...bearer(key), "x-api-key": key });
    expect(both).toMatchObject({ status: 400, body: { code: "ambiguous-credentials" } });
    const inUrl = await fixture.ask(`/models?api_key=${key}`);
    expect(inUrl).toMatchObject({ status: 400, body: { code: "credentials-in-url" } });
    expect(JSON.stringify(inUrl.body)).not.toContain(key);
  });

  test("B30: unknown, revoked, and right but for its end are the same answer", async () => {
    const [key, revoked] = [await keyOf("anna"), await keyOf("bert")];
    expect((await submit("a", bearer(revoked))).status).toBe(202);
    await revokeApiKey(fixture.redis, revoked.slice(3, 11));
    const revokedMs = performance.now();
    await until(async () => (await submit("b", bearer(revoked))).status === 401);
    expect(performance.now() - revokedMs).toBeLessThan(1_500);
    const answers = await Promise.all(
      [revoked, `${key.slice(0, -1)}${key.endsWith("A") ? "B" : "A"}`, `sk_ffffffff_${"a".repeat(43)}`, "x.y.z"].map(
        (text) => submit("c", bearer(text)),
      ),
    );
    for (const answer of answers) expect(same(answer)).toEqual(same(answers[0] as Answer));
  });

  test("B32: on every route another's task is as one that never was", async () => {
    const [anna, bert] = [bearer(await keyOf("anna")), bearer(await keyOf("bert"))];
    const open = String((await submit("open", anna)).body["task_id"]);
    const done = String((await submit("done", anna)).body["task_id"]);
    const dead = String((await submit("dead", anna)).body["task_id"]);
    await settle(fixture.redis, done, echoOf("done"));
    const failure = { code: "input-rejected", message: "no" } as const;
    await settle(fixture.redis, dead, { state: "FAILED", failure });
    await fixture.ask("/models", { headers: bert });
    const before = await fixture.workKeys();
    for (const [method, path] of ofTasks) {
      const unknown = same(await fixture.ask(path(createTaskId(3, Date.now())), { method, headers: bert }));
      expect(unknown).toMatchObject({ status: 404 });
      for (const id of [open, done, dead]) {
        const answer = await fixture.ask(path(id), { method, headers: bert });
        expect(same(answer), `${method} ${path(id)}`).toEqual(unknown);
      }
    }
    const events = { ...bert, accept: "text/event-stream" };
    const [streamed, unknown] = await Promise.all(
      [open, createTaskId(3, Date.now())].map((id) => fixture.ask(`/v1/result/${id}`, { headers: events })),
    );
    expect(same(streamed as Answer)).toEqual(same(unknown as Answer));
    expect(await fixture.workKeys()).toEqual(before);
    expect((await fixture.ask(`/v1/result/${done}`, { headers: anna })).body).toMatchObject({ status: "SUCCESS" });
  });

  test("equal tasks of two owners share a run, and each sees its own only", async () => {
    const [anna, bert] = [bearer(await keyOf("anna")), bearer(await keyOf("bert"))];
    const mine = String((await submit("same", anna)).body["task_id"]);
    const other = await submit("same", bert);
    expect(other.body).toMatchObject({ cache: "joined" });
    expect(JSON.stringify(other.body)).not.toContain(mine);
    expect((await fixture.ask(`/v1/tasks/${mine}/cancel`, { method: "POST", headers: anna })).status).toBe(200);
    const { body } = await fixture.ask(`/v1/result/${String(other.body["task_id"])}`, { headers: bert });
    expect(body).toMatchObject({ status: "PENDING" });
  });

  test("B38: above its rate a caller is told when to come again; others go on", async () => {
    const [anna, bert] = [bearer(await keyOf("anna", ["submit"], 5)), bearer(await keyOf("bert"))];
    const answers = [];
    for (let i = 0; i < 7; i++) answers.push(await submit(`a ${i}`, anna));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 429, 429]);
    expect(answers[0]?.headers).toMatchObject({
      "ratelimit-policy": '"requests";q=5;w=60',
      ratelimit: '"requests";r=4;t=12',
    });
    const refused = answers[6] as Answer;
    expect(refused.body).toMatchObject({ code: "rate-limited", retryable: true });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(11);
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(16);
    expect(refused.headers["ratelimit"]).toMatch(/^"requests";r=0;t=1[0-2]$/);
    expect((await submit("b", bert)).headers["ratelimit"]).toBe('"requests";r=999;t=1');
    expect(await fixture.redis.pttl(keys.rate("k_anna"))).toBeLessThan(70_000);
  });

  test("B37: of one caller so many may wait, whichever way; others are not counted with it", async () => {
    const [anna, bert] = [bearer(await keyOf("anna")), bearer(await keyOf("bert"))];
    await fixture.redis.hset(keys.config, "limits.waits_per_caller", "3");
    // Settings are seen within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const id = String((await submit("waited for", anna)).body["task_id"]);
    const wait = (headers: Record<string, string>) => fixture.ask(`/v1/result/${id}?wait=20`, { headers });
    const events = { ...anna, accept: "text/event-stream" };
    const waiting = [wait(anna), fixture.submit("other", {}, { ...anna, prefer: "wait=20" })];
    waiting.push(fixture.ask(`/v1/result/${id}`, { headers: events }));
    await until(() => fixture.api.waitCount() === 3);
    expect((await wait(anna)).status).toBe(429);
    const refused = await fixture.submit("refused", {}, { ...anna, prefer: "wait=20" });
    expect(refused).toMatchObject({ status: 429, body: { code: "too-many-waiters", retryable: true } });
    expect((await submit("without waiting", anna)).status).toBe(202);
    const other = fixture.submit("of another", {}, { ...bert, prefer: "wait=20" });
    await until(() => fixture.api.waitCount() === 4);
    await settle(fixture.redis, id, echoOf("done"));
    expect((await waiting[0])?.status).toBe(200);
    await until(() => fixture.api.waitCount() === 2);
    expect((await fixture.ask(`/v1/result/${id}?wait=20`, { headers: anna })).status).toBe(200);
    await fixture.api.stop();
    await Promise.all([...waiting, other]);
    expect(await countRuns(fixture.redis)).toBe(4);
  });

  test("a stranger's large body is not read", async () => {
    const { port } = new URL(fixture.api.url);
    const socket = connect(Number(port), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.write("POST /classify HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 50000000\r\n\r\n");
    await until(() => socket.closed || socket.destroyed || text.includes("unauthenticated"));
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toMatch(/connection: close/i);
    await until(() => socket.destroyed || socket.readableEnded);
    socket.destroy();
  });
});

const bodyOf = (method: "GET" | "POST") => (method === "POST" ? { json: {} } : {});
/** An answer without what differs for every request. */
function same({ status, headers, body }: Answer) {
  const changing = ["date", "ratelimit"];
  const rest = Object.entries(headers).filter(([name]) => !changing.includes(name));
  return { status, headers: Object.fromEntries(rest), body: { ...body, instance: "", request_id: "" } };
}
