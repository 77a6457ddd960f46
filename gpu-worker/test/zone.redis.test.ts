import { keys, siteOf } from "@sluice/broker";
import { expect, test } from "vitest";
import { modelOf } from "./model-fixture.js";
import { startScriptedTriton } from "./scripted-triton.js";
import { POOL, publish, resultsOf, submit, until, useBroker } from "./worker-fixture.js";

const { fixture, startWorker } = useBroker();
const EAST = siteOf(POOL, "east");

test("a worker of a zone pulls there, also the batches that another zone sends", async () => {
  const triton = await startScriptedTriton();
  try {
    await startWorker({ tritonUrl: triton.url, zone: "east" }, { models: [modelOf({})] });
    await until(async () => (await fixture.redis.zcard(keys.slots(EAST))) === 2);
    expect(await fixture.redis.zcard(keys.slots(POOL))).toBe(0);
    expect((await fixture.redis.smembers(keys.zones)).sort()).toEqual(["east", "local"]);
    const task = await submit(fixture.redis, { input: "text of the zone local" });
    await publish(fixture.redis, [task], { site: EAST });
    expect(await resultsOf(fixture.redis, [task])).toEqual(["text of the zone local"]);
    await until(async () => (await fixture.redis.xlen(keys.notices(EAST, "now"))) === 0);
  } finally {
    triton.stop();
  }
});
