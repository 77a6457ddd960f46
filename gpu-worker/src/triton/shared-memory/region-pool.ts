import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { formatRegionName, type RegionOwner } from "./region-name.js";
import { openSharedRegion, REGION_CALL_MS, type RegionCalls, type SharedRegion } from "./shared-region.js";
import { createSharedSight } from "./shared-sight.js";
import { sweepRegionFiles, sweepRegistrations, TOUCH_MS } from "./sweep-regions.js";

/** Regions that one process and one Triton share, one for each call in flight. */
export interface RegionPool {
  /**
   * Finds out, once, whether the Triton sees our memory, by having it map a file; if so, what processes that have ended
   * left there is removed. Does nothing while that is known. Never rejects.
   */
  look(): Promise<void>;
  /** A region of at least that size for one call; undefined if there can be none now. Never rejects. */
  borrow(byteSize: number): Promise<SharedRegion | undefined>;
  /** The call was answered: the next one may have the region. */
  giveBack(region: SharedRegion): void;
  /** Nobody knows whether Triton still reads it or will: it is never used again, and goes once Triton lets it go. */
  retire(region: SharedRegion): void;
  /** A call failed that succeeded without shared memory. After three in a row there is none for a while. */
  distrust(): void;
  /** Makes Triton forget all regions and removes them, those in flight when their calls have ended. Never rejects; may come twice. */
  close(): Promise<void>;
}

/** What a pool is made of. */
export interface RegionPoolDeps {
  readonly client: RegionCalls;
  readonly owner: RegionOwner;
  readonly log: Pick<Logger, "info">;
  readonly monotonicMs?: () => number;
}

/** How often Triton is asked to let go of a region that it used when its call was given up. */
const RETIRE_MS = 5_000;
/** So long calls in flight may keep their regions, and Triton be silent, when the pool is closed; the next process removes what stays. */
const CLOSE_MS = 2_000;
const CLOSE_POLL_MS = 50;
const FAILURES_TO_DISTRUST = 3;
const PROBE_BYTES = 4_096;
const SMALLEST_BYTES = 2 ** 20;

/** A pool that has no regions yet. */
export function createRegionPool({
  client,
  owner,
  log,
  monotonicMs = () => performance.now(),
}: RegionPoolDeps): RegionPool {
  const regions = createRegions();
  let opened = 0;
  let failures = 0;
  let closed = false;
  const open = (byteSize: number) => openSharedRegion(client, formatRegionName(owner, opened++), byteSize);
  const probe = async (): Promise<object> => {
    const files = await sweepRegionFiles(Date.now());
    await (await open(PROBE_BYTES)).release();
    const forgotten = await sweepRegistrations(client, REGION_CALL_MS);
    return { removedFiles: files.length, forgottenRegions: forgotten.length };
  };
  const sight = createSharedSight({ probe, log, monotonicMs });
  const timers = [setInterval(() => regions.touch(), TOUCH_MS), setInterval(() => void regions.letGo(), RETIRE_MS)];
  for (const timer of timers) timer.unref();
  return {
    look: async () => void (closed || (await sight.look())),
    async borrow(byteSize) {
      if (closed || !(await sight.look())) return undefined;
      try {
        const region = regions.takeFitting(byteSize) ?? (await open(sizeFor(byteSize)));
        regions.borrowed.add(region);
        return region;
      } catch (error) {
        sight.lose(error, "tensors go over gRPC: no more shared memory can be had");
        return undefined;
      }
    },
    giveBack(region) {
      failures = 0;
      regions.giveBack(region);
    },
    retire(region) {
      regions.retire(region);
    },
    distrust() {
      if (++failures < FAILURES_TO_DISTRUST) return;
      sight.lose(undefined, "tensors go over gRPC: calls with shared memory fail");
    },
    async close() {
      closed = true;
      for (const timer of timers) clearInterval(timer);
      const over = new AbortController();
      const letGo = async (): Promise<void> => {
        while (!over.signal.aborted && !(await regions.letAllGo())) await pause(CLOSE_POLL_MS);
        over.abort();
      };
      await Promise.race([letGo(), pause(CLOSE_MS, undefined, { signal: over.signal }).catch(() => undefined)]);
      over.abort();
    },
  };
}

/** Every region is in one of three places: free, borrowed by a call, or retired until Triton lets it go. */
function createRegions() {
  const free: SharedRegion[] = [];
  const borrowed = new Set<SharedRegion>();
  const retired = new Set<SharedRegion>();
  const letGo = async (): Promise<void> => {
    await Promise.all(
      [...retired].map(async (region) => {
        await region.release().then(
          () => retired.delete(region),
          () => "it is asked again",
        );
      }),
    );
  };
  const retire = (region: SharedRegion): void => {
    borrowed.delete(region);
    retired.add(region);
    void letGo();
  };
  return {
    borrowed,
    letGo,
    retire,
    /** The smallest that is large enough. If none is, the largest goes: it would be too small the next time too. */
    takeFitting(byteSize: number): SharedRegion | undefined {
      free.sort((a, b) => a.byteSize - b.byteSize);
      const index = free.findIndex((region) => region.byteSize >= byteSize);
      if (index >= 0) return free.splice(index, 1)[0];
      const largest = free.pop();
      if (largest) retire(largest);
      return undefined;
    },
    giveBack(region: SharedRegion): void {
      borrowed.delete(region);
      free.push(region);
    },
    touch(): void {
      for (const region of [...free, ...borrowed]) region.touch().catch(() => undefined);
    },
    /** @returns whether none is left. */
    async letAllGo(): Promise<boolean> {
      for (const region of free.splice(0)) retired.add(region);
      await letGo();
      return free.length + borrowed.size + retired.size === 0;
    },
  };
}

/** The next power of two: a region is seldom replaced by a larger one, and memory is taken only where it is written. */
function sizeFor(byteSize: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(byteSize, SMALLEST_BYTES)));
}
