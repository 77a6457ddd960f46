import { BrokerError, DEFAULT_SETTINGS, type takeTokens } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { createRateLimiter } from "../../src/identity/rate-limiter.js";

/** A bucket in memory, a clock that is turned by hand, and how often it was asked. */
function bench({ buckets = 1_000, failing = false } = {}) {
  let nowMs = 0;
  let calls = 0;
  let left = buckets;
  let fails = failing;
  const fetchTokens: typeof takeTokens = async (_redis, _owner, { wanted, perMinute }) => {
    calls++;
    await Promise.resolve();
    if (fails) throw new BrokerError("storage-unavailable", "down");
    const granted = Math.min(wanted, left);
    left -= granted;
    return { granted, left, waitMs: granted > 0 ? 0 : Math.ceil(60_000 / perMinute) };
  };
  const clock = { monotonicMs: () => nowMs, epochMs: () => nowMs };
  const settings = { current: () => DEFAULT_SETTINGS };
  const limiter = createRateLimiter({ redis: undefined as never, settings, clock, fetchTokens });
  return {
    take: (requestsPerMinute?: number, owner = "k_anna") =>
      limiter.take({ owner, scopes: [], requestsPerMinute }).catch((error: unknown) => error as BrokerError),
    pass: (ms: number) => (nowMs += ms),
    fill: (tokens: number) => (left = tokens),
    recover: () => (fails = false),
    calls: () => calls,
  };
}

describe("the rate limiter", () => {
  test("lets as many through as the bucket has, and then says when to come again", async () => {
    const { take, pass, fill } = bench({ buckets: 20 });
    const answers = [];
    for (let i = 0; i < 21; i++) answers.push(await take());
    expect(answers.slice(0, 20).every((answer) => !(answer instanceof BrokerError))).toBe(true);
    expect(answers[0]).toEqual({ "ratelimit-policy": '"requests";q=1000;w=60', ratelimit: '"requests";r=19;t=1' });
    expect(answers[19]).toMatchObject({ ratelimit: '"requests";r=0;t=1' });
    expect(answers[20]).toMatchObject({ code: "rate-limited", details: { retryAfterMs: 60 } });
    fill(5);
    expect(await take()).toMatchObject({ code: "rate-limited" });
    pass(60);
    expect(await take()).toMatchObject({ ratelimit: '"requests";r=4;t=1' });
  });

  test("asks for several at once, and once for many who ask together", async () => {
    const { take, calls } = bench();
    await Promise.all([take(), take(), take(), take()]);
    expect(calls()).toBe(1);
    for (let i = 0; i < 396; i++) await take();
    expect(calls()).toBe(100);
  });

  test("a key of its own rate has that, and 0 is no limit, which nobody is asked for", async () => {
    const { take, calls } = bench();
    expect(await take(60_000)).toMatchObject({ "ratelimit-policy": '"requests";q=60000;w=60' });
    expect(await take(0, "k_free")).toEqual({});
    expect(calls()).toBe(1);
  });

  test("while Redis is down it says so, and goes on afterwards", async () => {
    const { take, recover } = bench({ failing: true });
    expect(await take()).toMatchObject({ code: "storage-unavailable" });
    recover();
    expect(await take()).toMatchObject({ ratelimit: '"requests";r=999;t=1' });
  });

  test("an empty bucket of one stops nobody else, and is not asked again before its time", async () => {
    const { take, fill, calls } = bench({ buckets: 0 });
    for (let i = 0; i < 100; i++) expect(await take(1)).toMatchObject({ code: "rate-limited" });
    expect(calls()).toBe(1);
    fill(10);
    expect(await take(undefined, "k_bert")).toMatchObject({ ratelimit: '"requests";r=9;t=1' });
  });
});
