import { describe, expect, test } from "vitest";
import {
  createLocalBlobStore,
  createTaskId,
  DEFAULT_SETTINGS,
  keys,
  listDeadLetters,
  redriveDeadLetter,
} from "@sluice/broker";
import {
  admitMany,
  metricOf,
  NOW_LANE,
  openEntries,
  POOL,
  shardOf,
  statesOf,
  until,
  useBatchers,
} from "./batcher-fixture.js";

const fixture = useBatchers();
const noBlobs = createLocalBlobStore("no-such-folder");

describe("an entry of a ready stream", () => {
  test("that nobody can read becomes a dead letter, with its reason, and holds up nothing", async () => {
    const { redis } = fixture;
    const ids = await admitMany(redis, 10);
    const shard = shardOf(ids[0] ?? "");
    const key = keys.ready(shard, NOW_LANE);
    await redis.xadd(key, "*", "task", "written by hand");
    await redis.xadd(key, "*", "ref", "no-run digest x y");
    await redis.xadd(key, "*", "ref", "");
    // Well formed, but nobody's run; and a run of another shard.
    await redis.xadd(key, "*", "ref", `${createTaskId(shard, 1)} digest ${Date.now() + 60_000} 1 `);
    await redis.xadd(key, "*", "ref", `${createTaskId((shard + 1) % 16, 1)} digest ${Date.now() + 60_000} 1 `);
    await redis.xadd(key, "*", "huge", "x".repeat(100_000));
    const worker = await fixture.worker();
    const batcher = await fixture.batcher();
    ids.push(...(await admitMany(redis, 10)));
    await until(() => worker.settled.length === 20, 5_000, "all settled");
    await until(async () => (await listDeadLetters(redis)).length === 6, 12_000, "six dead letters");
    const letters = await listDeadLetters(redis);
    expect(letters.map(({ failure, runId, lane, shard: at }) => [failure.code, runId, lane, at])).toEqual(
      Array.from({ length: 6 }, () => ["entry-malformed", "", NOW_LANE, shard]),
    );
    const contents = letters.map(({ input }) => (input.kind === "input" ? String(input.bytes) : ""));
    expect(contents.map((text) => text.slice(0, 20).replace(/^ref \w{16}$/, "ref ID")).sort()).toEqual([
      "huge xxxxxxxxxxxxxxx",
      "ref ",
      "ref ID",
      "ref ID",
      "ref no-run digest x ",
      "task written by hand",
    ]);
    expect(Math.max(...contents.map((text) => text.length))).toBe(1_024);
    for (const letter of letters) {
      const redrive = redriveDeadLetter(redis, noBlobs, letter, { owner: "", settings: DEFAULT_SETTINGS.forAll });
      await expect(redrive).rejects.toMatchObject({ code: "entry-malformed" });
    }
    expect(await listDeadLetters(redis)).toEqual(letters);
    expect(await metricOf(batcher, "sluice_malformed_entries_total")).toBe(6);
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 20 });
    expect(await openEntries(redis)).toBe(0);
  });

  test("of another version is left to those who can read it", async () => {
    const { redis } = fixture;
    const ids = await admitMany(redis, 10);
    const key = keys.ready(shardOf(ids[0] ?? ""), NOW_LANE);
    const entryId = await redis.xadd(key, "*", "ref2", "whatever that may be");
    const worker = await fixture.worker();
    await fixture.batcher();
    await until(() => worker.settled.length === 10, 5_000, "all settled");
    // Longer than the time between two walks.
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    expect(await redis.xrange(key, "-", "+")).toEqual([[entryId, ["ref2", "whatever that may be"]]]);
    expect(await listDeadLetters(redis)).toEqual([]);
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 10 });
  });
});

test("credit messages that cannot be read change nothing", async () => {
  const { redis } = fixture;
  const worker = await fixture.worker();
  await fixture.batcher();
  const ids = await admitMany(redis, 64);
  for (const message of ["", "nonsense", Buffer.from([0x70]), Buffer.from([0x94, 0x01, 0xa3, 0x61])]) {
    await redis.spublish(keys.credits(POOL), message);
  }
  ids.push(...(await admitMany(redis, 64)));
  await until(() => worker.settled.length === 128, 5_000, "all settled");
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 128 });
});
