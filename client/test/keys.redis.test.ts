import { findApiKey, keys, listApiKeys, noteApiKeyUse } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { useRedis } from "../../broker/test/redis-fixture.js";
import { sluice } from "./sluice-fixture.js";

const fixture = useRedis();
const run = (...args: string[]) => sluice(fixture.server.url, "keys", ...args);

describe("sluice keys", () => {
  test("create shows a key once; Redis has none of it but its hash", async () => {
    const made = await run("create", "shop", "--owner", "shop-1", "--scopes", "read,submit", "--rate", "60");
    expect(made.code).toBe(0);
    const text = made.out.trim();
    expect(text).toMatch(/^sk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/);
    const id = text.slice(3, 11);
    expect(made.err).toContain(id);
    const key = { id, name: "shop", owner: "shop-1", scopes: ["submit", "read"], requestsPerMinute: 60 };
    expect(await findApiKey(fixture.redis, text)).toMatchObject(key);
    const stored = JSON.stringify(await fixture.redis.hgetall(keys.apiKeys));
    expect(stored).not.toContain(text.slice(12));
    expect((await run("list")).out).not.toContain(text.slice(12));
    // Neither its id alone, nor another secret with it, nor half of it.
    for (const wrong of [`sk_${id}_${"a".repeat(43)}`, `sk_${id}`, text.slice(0, -1), `${text}a`, text.toUpperCase()]) {
      expect(await findApiKey(fixture.redis, wrong)).toBeUndefined();
    }
  });

  test("list shows every key, what it may do and when it was used", async () => {
    const { out } = await run("create", "first");
    await run("create", "second", "--owner", "first", "--scopes", "admin", "--rate", "0");
    await noteApiKeyUse(fixture.redis, out.slice(3, 11), Date.parse("2026-01-02T03:04:05Z"));
    const [head, first, second] = (await run("list")).out.split("\n");
    expect(head).toMatch(/^id +name +owner +scopes +rate +made +used last$/);
    expect(first).toMatch(/^[0-9a-f]{8} +first +first +submit,read +as set +\S+Z +2026-01-02T03:04:05Z$/);
    expect(second).toMatch(/^[0-9a-f]{8} +second +first +admin +none +\S+Z +never$/);
  });

  test("revoke ends a key and no other", async () => {
    const [mine, other] = [(await run("create", "mine")).out.trim(), (await run("create", "other")).out.trim()];
    const id = mine.slice(3, 11);
    expect(await run("revoke", id)).toMatchObject({ code: 0, out: `${id} is revoked\n` });
    expect(await findApiKey(fixture.redis, mine)).toBeUndefined();
    expect(await findApiKey(fixture.redis, other)).toMatchObject({ name: "other" });
    expect((await run("revoke", id)).code).toBe(2);
    expect(await listApiKeys(fixture.redis)).toHaveLength(1);
  });

  test.each([
    ["create"],
    ["create", "a", "b"],
    ["revoke"],
    ["list", "a"],
    ["rotate", "a"],
    ["create", "a b"],
    ["create", "a", "--owner", "{q:1}"],
    ["create", "a", "--owner", "a".repeat(65)],
    ["create", "a", "--scopes", "write"],
    ["create", "a", "--scopes", ""],
    ["create", "a", "--rate", "-1"],
    ["create", "a", "--rate", "fast"],
    ["create", "a\u0007", "--owner", "a"],
  ])("%s %s %s %s is refused, and nothing is stored", async (...args) => {
    const refused = await run(...args);
    expect(refused).toMatchObject({ code: 2, out: "" });
    expect(await fixture.redis.keys("*")).toEqual([]);
  });
});
