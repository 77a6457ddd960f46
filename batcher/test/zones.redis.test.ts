import { createKnownZones, keys, readLaneLoads, readZones, siteOf, systemClock } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { createBatcher } from "../src/index.js";
import { createGuests, type Guests } from "../src/zones/guests.js";
import { admitMany, POOL, silentLog, statesOf, until, useBatchers } from "./batcher-fixture.js";
import type { FakeWorker } from "./fake-worker.js";

const fixture = useBatchers();
const [EAST, WEST] = ["east", "west"];
const COUNT = 120;

const startBatcher = (zone: string) => fixture.batcher({ zone });
const startWorker = (zone: string, serviceMs = 2) =>
  fixture.worker({ pool: siteOf(POOL, zone), serviceMs: () => serviceMs });
const admit = (zone: string, count = COUNT) => admitMany(fixture.redis, count, { zone });
const zonesOf = ({ notices }: FakeWorker) => new Set(notices.map(({ lane }) => lane.split(":")[2]));
const isDone = async (ids: readonly string[]) => (await statesOf(fixture.redis, ids))["SUCCESS"] === ids.length;

async function startBoth() {
  const batchers = [await startBatcher(EAST), await startBatcher(WEST)];
  const [east, west] = [await startWorker(EAST), await startWorker(WEST)];
  return { batchers, east, west };
}

describe("work of two zones", () => {
  test("stays in its zone", async () => {
    const { east, west } = await startBoth();
    const ids = [...(await admit(EAST)), ...(await admit(WEST))];
    await until(() => isDone(ids), 10_000, "all done");
    expect([zonesOf(east), zonesOf(west)]).toEqual([new Set([EAST]), new Set([WEST])]);
    expect(east.settled.length).toBe(COUNT);
  });

  test("is done by the other zone when its own has no worker, and comes home when it has one again", async () => {
    const { east, west } = await startBoth();
    const first = await admit(EAST);
    await until(() => isDone(first), 10_000, "done at home");
    expect(west.notices).toEqual([]);
    east.die();
    const ids = await admit(EAST);
    const tookMs = await until(() => isDone(ids), 15_000, "all done elsewhere");
    expect(zonesOf(west)).toEqual(new Set([EAST]));
    // Dead after 3 s of silence.
    expect(tookMs).toBeLessThan(10_000);
    const back = await startWorker(EAST);
    const oneMore = async () => {
      await admit(EAST, 1);
      return back.settled.length > 0;
    };
    await until(oneMore, 10_000, "home again");
    const before = west.notices.length;
    const later = await admit(EAST);
    await until(() => isDone(later), 10_000, "all done at home");
    expect(west.notices.length).toBe(before);
  });

  test.each([
    ["is helped by another zone when it has waited too long", { spillAfterMs: 300, serviceMs: 400, count: 64 }, true],
    ["is helped with more than any memory holds", { spillAfterMs: 2_000, serviceMs: 100, count: 400 }, true],
    ["control: waits where waiting is no reason to leave", { spillAfterMs: 0, serviceMs: 400, count: 64 }, false],
  ])("%s", async (_name, { spillAfterMs, serviceMs, count }, isHelped) => {
    await fixture.redis.hset(keys.config, { "zone.spill_after_ms": spillAfterMs, "batch.max_size": "8" });
    await startBatcher(EAST);
    await startBatcher(WEST);
    const [, west] = [await startWorker(EAST, serviceMs), await startWorker(WEST)];
    const ids = await admit(EAST, count);
    await until(() => isDone(ids), 20_000, "all done");
    expect(west.settled.length > 0).toBe(isHelped);
  });

  test("does not keep the few tasks of the zone that helps waiting, and is counted where they are admitted", async () => {
    await fixture.redis.hset(keys.config, { "batch.mode": "adaptive", "batch.max_size": "8" });
    await startBatcher(EAST);
    await startBatcher(WEST);
    await startWorker(WEST, 60);
    // A small batch beside full ones, so that there is a curve.
    const first = await admit(EAST, 1);
    await until(() => isDone(first), 10_000, "begun");
    const backlog = await admit(EAST, 400);
    const loads = async () => await readLaneLoads(fixture.redis, siteOf(POOL, WEST), [EAST, WEST]);
    const openRuns = async () => (await loads()).get(`m:1:${EAST}:now`)?.openRuns ?? 0;
    await until(async () => (await openRuns()) > 100, 5_000, "told at the site that runs them");
    for (let nth = 0; nth < 5; nth++) {
      const few = await admit(WEST, 1);
      const tookMs = await until(() => isDone(few), 10_000, "the few are done");
      expect(tookMs).toBeLessThan(1_500);
    }
    expect(await isDone(backlog)).toBe(false);
    await until(() => isDone(backlog), 20_000, "all done");
  });
});

describe("a zone without batchers", () => {
  /** What a batcher process of a zone has beside its batcher. */
  async function startGuests(own: string): Promise<Guests> {
    const { redis, target } = fixture;
    const zones = createKnownZones(redis, silentLog, own);
    const deps = { target, redis, log: silentLog, clock: systemClock };
    const createGuest = (zone: string) => createBatcher(deps, { zone, isGuest: true });
    const guests = createGuests({ redis, zones, own, log: silentLog, createGuest });
    for (const service of [zones, guests]) await fixture.use(service).start();
    return guests;
  }
  const owners = async () =>
    new Set(await Promise.all([0, 1, 2, 3].map((n) => fixture.redis.get(keys.owner(n, EAST)))));

  test("is looked after by those of another, until it has its own again", async () => {
    const east = await startBatcher(EAST);
    await startBatcher(WEST);
    await startGuests(WEST);
    const worker = await startWorker(EAST);
    const first = await admit(EAST);
    await until(() => isDone(first), 10_000, "done by its own");
    expect(await owners()).toEqual(new Set([east.name]));
    await east.stop();
    const ids = await admit(EAST);
    await until(() => isDone(ids), 15_000, "done by a guest");
    expect(worker.notices.at(-1)?.batcher).toMatch(/^guest-/);
    const fresh = await startBatcher(EAST);
    await until(async () => [...(await owners())].every((owner) => owner === fresh.name), 10_000, "its own again");
    const later = await admit(EAST);
    await until(() => isDone(later), 10_000, "done by its own");
    expect(worker.notices.at(-1)?.batcher).toBe(fresh.name);
    const isAlone = async () => (await fixture.redis.zrange(keys.batchers(EAST), "0", "-1")).join() === fresh.name;
    await until(isAlone, 10_000, "the guest is gone");
  });

  test("and is on no list is found by its work; taken off the list it has no guest, nor has a zone without work", async () => {
    await startBatcher(WEST);
    const guests = await startGuests(WEST);
    await startWorker(EAST);
    const ids = await admit(EAST);
    expect(await readZones(fixture.redis)).not.toContain(EAST);
    await until(() => isDone(ids), 20_000, "done by a guest");
    expect((await readZones(fixture.redis)).sort()).toEqual([EAST, "local", WEST]);
    expect(guests.batchers().length).toBe(1);
    expect(await fixture.redis.exists(keys.batchers())).toBe(0);
    await fixture.redis.srem(keys.zones, EAST);
    await until(() => guests.batchers().length === 0, 10_000, "no guest any more");
    await until(async () => (await fixture.redis.exists(keys.batchers(EAST))) === 0, 5_000, "off the list of batchers");
    expect((await readZones(fixture.redis)).sort()).toEqual(["local", WEST]);
  });
});
