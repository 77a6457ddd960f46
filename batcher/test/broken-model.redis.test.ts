import { expect, test } from "vitest";
import { registerModels } from "@sluice/broker";
import { admitMany, MODEL, openEntries, statesOf, until, useBatchers } from "./batcher-fixture.js";

const fixture = useBatchers();

test("a model whose batches always come back is tried now and then, and leaves its pool to the others", async () => {
  const { redis } = fixture;
  await registerModels(redis, [MODEL, { ...MODEL, name: "broken" }]);
  await fixture.batcher();
  let healed = false;
  const isBroken = (lane: string): boolean => lane.startsWith("broken:");
  const worker = await fixture.worker({
    serviceMs: () => 5,
    conduct: ({ lane }) => (isBroken(lane) && !healed ? "return" : "settle"),
  });
  const lane = { model: "broken", version: "1", zone: "local", batchClass: "now" } as const;
  const stuck = await admitMany(redis, 64, { lane });
  const fine = await admitMany(redis, 640);
  await until(() => worker.settled.length === 640, 5_000, "all of the healthy model settled");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const attempts = worker.notices.filter((notice) => isBroken(notice.lane)).length;
  // At 0, 0, 100, 300, 700, 1,500 ms and so on, at first perhaps in several parts; one after another without the pauses there would be hundreds.
  expect(attempts).toBeGreaterThanOrEqual(4);
  expect(attempts).toBeLessThanOrEqual(12);
  healed = true;
  await until(() => worker.settled.length === 704, 5_000, "all settled");
  expect(await statesOf(redis, [...stuck, ...fine])).toEqual({ SUCCESS: 704 });
  expect(await openEntries(redis)).toBe(0);
});
