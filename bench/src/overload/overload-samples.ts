import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync } from "node:fs";
import { readLaneLoads, type RedisClient } from "@sluice/broker";
import type { WatchedProcess } from "../measure/process-cpu.js";
import type { TritonChannel } from "../measure/triton-channel.js";

/** What is read once a second. */
export interface OverloadSample {
  /** Milliseconds since the first phase began. */
  readonly atMs: number;
  /** Runs that are open, as the batchers tell; undefined while they tell nothing. */
  readonly openRuns: number | undefined;
  /** Batches and rows that the model has run since it was started. */
  readonly executed: { readonly batches: number; readonly rows: number };
  /** Megabytes by name: memory that Redis has handed out, and what each role has resident. */
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** Where samples come from. */
export interface SampledParts {
  readonly redis: RedisClient;
  readonly pool: string;
  readonly triton: TritonChannel;
  readonly model: string;
  readonly roles: readonly WatchedProcess[];
}

/** Takes samples until it is stopped. */
export interface OverloadSampler {
  /** All samples. @throws BrokerError, or Error of the file system, if one could not be taken */
  stop(): Promise<OverloadSample[]>;
}

const EVERY_MS = 1_000;
const MB = 2 ** 20;

/** Begins to sample now: times count from here. */
export function startSampler({ redis, pool, triton, model, roles }: SampledParts): OverloadSampler {
  const samples: OverloadSample[] = [];
  const startMs = performance.now();
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const atMs = performance.now() - startMs;
      const [loads, redisMb, statistics] = await Promise.all([
        readLaneLoads(redis, pool),
        readRedisMb(redis),
        triton.statistics(model),
      ]);
      const openRuns = loads.size === 0 ? undefined : [...loads.values()].reduce((sum, load) => sum + load.openRuns, 0);
      const memoryMb = { redis: redisMb, ...residentMb(roles) };
      const executed = { batches: statistics.executionCount, rows: statistics.inferenceCount };
      samples.push({ atMs, openRuns, executed, memoryMb });
      await pause(EVERY_MS - ((performance.now() - startMs) % EVERY_MS), stopping.signal);
    }
  };
  const running = run();
  // What went wrong is thrown by stop().
  running.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await running;
      return samples;
    },
  };
}

async function readRedisMb(redis: RedisClient): Promise<number> {
  const info = String(await redis.call("INFO", "memory"));
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? Number.NaN) / MB;
}

/** Processes of one name are added up. @throws Error of the file system if one has ended */
function residentMb(processes: readonly WatchedProcess[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { name, pid } of processes) {
    // proc(5): "VmRSS:     1234 kB"
    const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? Number.NaN);
    sums[name] = (sums[name] ?? 0) + kib / 1_024;
  }
  return sums;
}

/** Ends early, without an error, when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
