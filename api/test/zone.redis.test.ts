import { heartbeatSlots, keys, siteOf } from "@sluice/broker";
import { expect, test } from "vitest";
import { until, useApi } from "./api-fixture.js";

const fixture = useApi({ zone: "east" });

test("a repeat with the same Idempotency-Key in another zone is given the same task", async () => {
  const first = await fixture.submit("one", {}, { "idempotency-key": "k" });
  fixture.api = await fixture.startApi({ zone: "west" });
  const again = await fixture.submit("one", {}, { "idempotency-key": "k" });
  expect([first.status, again.status]).toEqual([202, 202]);
  expect(again.body["task_id"]).toBe(first.body["task_id"]);
  const other = await fixture.submit("one");
  expect(other.body["task_id"]).not.toBe(first.body["task_id"]);
  const streams = (await fixture.workKeys()).filter((key) => key.includes(":ready:"));
  expect(streams.map((key) => key.split(":ready:")[1]).sort()).toEqual(["echo:1:east:now", "echo:1:west:now"]);
});

test("a task belongs to the zone of its api, and is taken while any zone has a worker", async () => {
  const taken = await fixture.submit("one");
  expect(taken.status).toBe(202);
  const streams = (await fixture.workKeys()).filter((key) => key.includes(":ready:"));
  expect(streams.map((key) => key.split(":ready:")[1])).toEqual(["echo:1:east:now"]);
  expect((await fixture.redis.smembers(keys.zones)).sort()).toEqual(["east", "local"]);
  await fixture.dismissWorkers();
  await until(async () => (await fixture.submit(`refused ${Date.now()}`)).body["code"] === "no-workers");
  await heartbeatSlots(fixture.redis, siteOf("default", "east"), ["slot"]);
  await until(async () => (await fixture.submit(`taken ${Date.now()}`)).status === 202);
});
