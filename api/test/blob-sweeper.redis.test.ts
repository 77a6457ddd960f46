import {
  createBlobReaper,
  createConfirmedWrites,
  createLocalBlobStore,
  createTaskId,
  systemClock,
} from "@sluice/broker";
import { expect, test } from "vitest";
import { sweepBlobs } from "../src/blobs/blob-sweeper.js";
import { silentLog, useApi } from "./api-fixture.js";
import { echoOf, settle } from "./fake-worker.js";
import { JPEG, PNG } from "./pictures.js";

const fixture = useApi();

test("only blobs whose run is neither open nor a dead letter are swept, and only old ones", async () => {
  const blobs = createLocalBlobStore(fixture.blobDir);
  const submit = async (bytes: Buffer) =>
    String((await fixture.submit({ image_base64: bytes.toString("base64") })).body["task_id"]);
  const open = await submit(PNG);
  const dead = await submit(JPEG);
  const done = await submit(Buffer.concat([PNG, Buffer.from("x")]));
  await settle(fixture.redis, dead, { state: "FAILED", failure: { code: "input-rejected", message: "no" } });
  await settle(fixture.redis, done, echoOf("x"));
  const orphans = Array.from({ length: 150 }, (_, i) => createTaskId(i % 16, Date.now()));
  for (const orphan of orphans) await blobs.put(orphan, PNG);
  const writes = createConfirmedWrites(fixture.target, fixture.redis, { level: "memory" });
  const reaper = createBlobReaper({ writes, blobs, clock: systemClock, log: silentLog }, { graceMs: 50, everyMs: 10 });
  const sweep = (minAgeMs: number) => sweepBlobs({ redis: fixture.redis, blobs, reaper, log: silentLog }, minAgeMs);
  expect(await sweep(60_000)).toBe(0);
  expect(await sweep(0)).toBe(151);
  expect(await fixture.blobs()).toHaveLength(153);
  await reaper.start();
  try {
    await expect.poll(async () => (await fixture.blobs()).sort()).toEqual([open, dead].sort());
    // Once the dead letter is gone, nobody needs its blob.
    await fixture.redis.del(...(await fixture.redis.keys("*:dead")));
    expect(await sweep(0)).toBe(1);
    await expect.poll(() => fixture.blobs()).toEqual([open]);
  } finally {
    await reaper.stop();
  }
});
