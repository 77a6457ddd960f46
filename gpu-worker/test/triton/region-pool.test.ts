import { existsSync } from "node:fs";
import { join } from "node:path";
import { BrokerError } from "@sluice/broker";
import type { SharedMemoryRegion } from "@sluice/proto";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { createRegionOwner } from "../../src/triton/shared-memory/region-name.js";
import { createRegionPool, type RegionPool } from "../../src/triton/shared-memory/region-pool.js";
import { REGION_CALL_MS } from "../../src/triton/shared-memory/shared-region.js";

/** A server that knows regions, and what it is to answer. */
function createServer() {
  const state = {
    known: new Map<string, SharedMemoryRegion>(),
    registrations: 0,
    refusal: undefined as BrokerError | undefined,
    inUse: false,
    isSilent: false,
    clockMs: 0,
  };
  const calls = {
    sharedMemoryStatus: async () => Promise.resolve(state.known),
    async sharedMemoryRegister(region: SharedMemoryRegion) {
      await Promise.resolve();
      state.registrations++;
      if (state.refusal) throw state.refusal;
      state.known.set(region.name, region);
    },
    async sharedMemoryUnregister(name: string) {
      await Promise.resolve();
      if (state.inUse) throw failure("INTERNAL");
      if (state.isSilent) {
        await new Promise((resolve) => setTimeout(resolve, REGION_CALL_MS));
        throw failure("DEADLINE_EXCEEDED");
      }
      state.known.delete(name);
    },
  };
  const log = pino({ level: "silent" });
  const pool = createRegionPool({ client: calls, owner: createRegionOwner(), log, monotonicMs: () => state.clockMs });
  pools.push(pool);
  return { pool, state };
}

const failure = (status: string) => new BrokerError("endpoint-unavailable", status, { details: { status } });
const pools: RegionPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

async function borrow(pool: RegionPool, byteSize: number) {
  const region = await pool.borrow(byteSize);
  if (!region) throw new Error("there is no region");
  return region;
}

test("a Triton that does not see the memory is asked again after a minute, and one that is silent after a second", async () => {
  const { pool, state } = createServer();
  state.refusal = failure("INTERNAL");
  const tryAt = async (clockMs: number) => {
    state.clockMs = clockMs;
    const region = await pool.borrow(10);
    if (region) pool.giveBack(region);
    return [region !== undefined, state.registrations];
  };
  expect(await tryAt(0)).toEqual([false, 1]);
  expect(await tryAt(59_000)).toEqual([false, 1]);
  state.refusal = failure("UNAVAILABLE");
  expect(await tryAt(60_000)).toEqual([false, 2]);
  expect(await tryAt(60_900)).toEqual([false, 2]);
  state.refusal = undefined;
  // The probe, and the region itself.
  expect(await tryAt(61_000)).toEqual([true, 4]);
  expect([...state.known.values()].map(({ byteSize }) => byteSize)).toEqual([2 ** 20]);
});

test("a region that was given back serves the next call, one that is too small makes room", async () => {
  const { pool, state } = createServer();
  const first = await borrow(pool, 10);
  pool.giveBack(first);
  const second = await borrow(pool, 2 ** 20);
  expect(second).toBe(first);
  pool.giveBack(second);
  const third = await borrow(pool, 2 ** 20 + 1);
  expect(third.byteSize).toBe(2 ** 21);
  await expect.poll(() => [...state.known.keys()]).toEqual([third.name]);
  pool.giveBack(third);
});

test("three calls in a row that failed because of it end shared memory for a minute; one that went well between starts the count again", async () => {
  const { pool, state } = createServer();
  for (const failsAgain of [true, true, false, true, true]) {
    const region = await borrow(pool, 10);
    if (failsAgain) {
      pool.retire(region);
      pool.distrust();
    } else pool.giveBack(region);
  }
  const region = await borrow(pool, 10);
  pool.retire(region);
  pool.distrust();
  expect(await pool.borrow(10)).toBeUndefined();
  state.clockMs = 60_000;
  pool.giveBack(await borrow(pool, 10));
});

test("a region that Triton still uses is asked for again until it lets go", async () => {
  const { pool, state } = createServer();
  const region = await borrow(pool, 10);
  state.inUse = true;
  pool.retire(region);
  const closed = pool.close();
  await expect.poll(() => existsSync(join("/dev/shm", region.name))).toBe(false);
  expect([...state.known.keys()]).toEqual([region.name]);
  state.inUse = false;
  await closed;
  expect(state.known.size).toBe(0);
});

test("a closed pool lends nothing, and waits for what is lent", async () => {
  const { pool, state } = createServer();
  const region = await borrow(pool, 10);
  const closed = pool.close();
  expect(await pool.borrow(10)).toBeUndefined();
  pool.giveBack(region);
  await closed;
  expect({ known: state.known.size, file: existsSync(join("/dev/shm", region.name)) }).toEqual({
    known: 0,
    file: false,
  });
});

test("memory that is not there fails the write, not whoever reads it", async () => {
  const { pool, state } = createServer();
  expect(await pool.borrow(2 ** 50)).toBeUndefined();
  expect(state.known.size).toBe(0);
});

test("a pool in front of a Triton that is silent is closed after two seconds", async () => {
  const { pool, state } = createServer();
  pool.retire(await borrow(pool, 10));
  await expect.poll(() => state.known.size).toBe(0);
  pool.giveBack(await borrow(pool, 10));
  state.isSilent = true;
  const startedMs = performance.now();
  await pool.close();
  const ms = performance.now() - startedMs;
  expect(ms).toBeGreaterThan(1_900);
  expect(ms).toBeLessThan(4_000);
});
