import { pino } from "pino";
import { expect, test } from "vitest";
import { addEndpoint, createLiveEndpoints, type PoolEndpoint } from "../src/index.js";
import { useRedis } from "./redis-fixture.js";

const fixture = useRedis();

test("a list that could not be taken over is told again, at the start too, until it is; then only when it changes", async () => {
  const { redis } = fixture;
  await addEndpoint(redis, "p", { url: "a:1", weight: 1 });
  const told: (readonly PoolEndpoint[])[] = [];
  const onChange = (list: readonly PoolEndpoint[]): void => {
    if (told.push(list) < 3) throw new Error("not now");
  };
  const live = createLiveEndpoints(redis, { pool: "p", onChange }, pino({ level: "silent" }));
  try {
    await live.start();
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(3);
    expect(told).toEqual(new Array(3).fill([{ url: "a:1", weight: 1, state: "active" }]));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(told).toHaveLength(3);
    await addEndpoint(redis, "p", { url: "b:1", weight: 1 });
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(4);
  } finally {
    await live.stop();
  }
});
