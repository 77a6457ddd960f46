import { type Clock, createPoller, type Service } from "@sluice/broker";
import type { Logger } from "pino";
import type { TritonClient } from "../triton/triton-client.js";
import {
  parseTritonMetrics,
  readStatistics,
  timesBetween,
  type TritonReading,
  type TritonTimes,
} from "./triton-reading.js";

/** Where a reading came from: Triton's page of metrics, its statistics over gRPC, or nowhere. */
export type ReadingSource = "metrics" | "statistics" | "none";

/** Watches what a Triton says of its GPUs and of the time that requests take there. */
export interface TritonReader extends Service {
  /** The newest figures; those of a GPU are undefined without one, and soon after they could last be read. */
  readonly latest: () => TritonFigures;
}

/** What is known of a Triton now. */
export interface TritonFigures {
  readonly source: ReadingSource;
  readonly gpuUtilization: number | undefined;
  readonly gpuMemory: number | undefined;
  /** Of the requests that ended between the last two readings. */
  readonly times: TritonTimes | undefined;
}

/** What it needs. */
export interface TritonReaderDeps {
  readonly client: Pick<TritonClient, "modelStatistics">;
  readonly clock: Clock;
  readonly log: Logger;
}

const READ_EVERY_MS = 1_000;
const READ_TIMEOUT_MS = 900;
/** Triton itself measures its GPUs once in 2 s. What is older than a few of these says nothing about now. */
const STALE_MS = 5_000;
/** A page that failed so often is asked for at every tenth reading only: it may be behind a wall that answers nothing. */
const FAILURES_TO_BE_RARE = 3;
const RARE = 10;

const NOTHING: TritonFigures = { source: "none", gpuUtilization: undefined, gpuMemory: undefined, times: undefined };

/**
 * Reads once a second: the page, or where there is none the statistics. Neither may be reachable: then nothing is known,
 * which stops no work. `start` does not wait for the first reading.
 * @param options.metricsUrl address of the page, `http://HOST:8002/metrics`.
 * @param options.everyMs pause between readings, one second if absent.
 */
export function createTritonReader(
  { client, clock, log }: TritonReaderDeps,
  options: { readonly metricsUrl: string; readonly everyMs?: number },
): TritonReader {
  let last: { readonly source: ReadingSource; readonly reading: TritonReading; readonly atMs: number } | undefined;
  let times: TritonTimes | undefined;
  /** Only the page tells of GPUs; what it said is good for as long as anything is. */
  let gpu: { readonly figures: TritonReading; readonly atMs: number } | undefined;
  let reads = 0;
  let failures = 0;
  const readPage = async (): Promise<TritonReading | undefined> => {
    if (failures >= FAILURES_TO_BE_RARE && reads % RARE !== 0) return undefined;
    try {
      const reading = parseTritonMetrics(await fetchPage(options.metricsUrl));
      failures = 0;
      return reading;
    } catch (err) {
      if (++failures === 1) log.info({ err, metricsUrl: options.metricsUrl }, "metrics of the endpoint not readable");
      return undefined;
    }
  };
  const look = async (): Promise<void> => {
    reads++;
    const page = await readPage();
    const reading = page ?? (await statisticsOf(client));
    if (!reading) return;
    const source = page ? "metrics" : "statistics";
    // Both count alike, but may have been told at different moments.
    times = last?.source === source ? timesBetween(last.reading.counters, reading.counters) : undefined;
    last = { source, reading, atMs: clock.monotonicMs() };
    if (page) gpu = { figures: page, atMs: last.atMs };
  };
  const isFresh = ({ atMs }: { readonly atMs: number }): boolean => clock.monotonicMs() - atMs <= STALE_MS;
  const poller = createPoller(look, options.everyMs ?? READ_EVERY_MS, log);
  return {
    latest() {
      if (!last || !isFresh(last)) return NOTHING;
      const { gpuUtilization, gpuMemory } = gpu && isFresh(gpu) ? gpu.figures : NOTHING;
      return { source: last.source, gpuUtilization, gpuMemory, times };
    },
    start: () => poller.start(),
    stop: () => poller.stop(),
  };
}

async function fetchPage(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(READ_TIMEOUT_MS), redirect: "error" });
  const page = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  if (!page.includes("nv_")) throw new Error(`${url} is not a page of Triton's metrics`);
  return page;
}

/** Undefined where they cannot be had; what that means for the endpoint is known from its probes. */
async function statisticsOf(client: TritonReaderDeps["client"]): Promise<TritonReading | undefined> {
  try {
    return readStatistics(await client.modelStatistics("", { deadlineMs: READ_TIMEOUT_MS }));
  } catch {
    return undefined;
  }
}
