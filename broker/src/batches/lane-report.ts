import { z } from "zod";
import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import { packList, unpackList } from "../msgpack-list.js";
import type { RedisClient } from "../redis/connect.js";
import { zoneOfSite } from "../zones/site.js";

/** What operators see of one lane. */
export interface LaneReport {
  readonly lane: string;
  readonly mode: "fixed" | "adaptive";
  /** Runs that are open: waiting, and out with workers. */
  readonly openRuns: number;
  readonly arrivalsPerS: number;
  /** Rows in a batch that are enough, and the most. */
  readonly enough: number;
  readonly most: number;
  /** Observed over predicted service times. */
  readonly drift: number;
  /** The latest batches, all together. */
  readonly latest: {
    readonly rows: number;
    /** How long their first tasks waited, added up, milliseconds. */
    readonly waitMs: number;
    /** How many left for which reason. */
    readonly reasons: Readonly<Record<string, number>>;
  };
}

const VERSION = 1;
const amount = z.number().nonnegative();
const rowSchema = z.tuple([
  z.string(),
  z.enum(["fixed", "adaptive"]),
  z.tuple([amount, amount, amount, amount, amount, amount, amount]),
  z.array(z.tuple([z.string(), amount])),
]);
/** A batcher that has been silent for so long has lost its shards, or soon will. */
const KEEP_MS = 3_000;

/** Shows operators these lanes of a pool, in place of what this batcher showed before. @throws BrokerError storage-unavailable */
export async function tellLaneReports(
  redis: RedisClient,
  from: { readonly pool: string; readonly batcher: string },
  reports: readonly LaneReport[],
): Promise<void> {
  try {
    await redis.set(keys.laneReport(from.pool, from.batcher), encodeLaneReports(reports), "PX", KEEP_MS);
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the lanes of a pool could not be told");
  }
}

/**
 * What all live batchers show of a pool's lanes, by lane: work and batches are added up, and of what each has worked
 * out for itself, that of the batcher with the most arrivals is shown.
 * @throws BrokerError storage-unavailable
 */
export async function readLaneReports(redis: RedisClient, pool: string): Promise<ReadonlyMap<string, LaneReport>> {
  const merged = new Map<string, LaneReport>();
  try {
    const batchers = await redis.zrange(keys.batchers(zoneOfSite(pool)), "0", "-1");
    if (batchers.length === 0) return merged;
    const values = await redis.mgetBuffer(batchers.map((batcher) => keys.laneReport(pool, batcher)));
    for (const report of values.flatMap((bytes) => (bytes === null ? [] : decodeLaneReports(bytes)))) {
      const known = merged.get(report.lane);
      merged.set(report.lane, known ? add(known, report) : report);
    }
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the lanes of a pool could not be read");
  }
  return merged;
}

function add(a: LaneReport, b: LaneReport): LaneReport {
  const reasons = { ...a.latest.reasons };
  for (const [reason, count] of Object.entries(b.latest.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
  return {
    ...(a.arrivalsPerS < b.arrivalsPerS ? b : a),
    openRuns: a.openRuns + b.openRuns,
    arrivalsPerS: a.arrivalsPerS + b.arrivalsPerS,
    latest: { rows: a.latest.rows + b.latest.rows, waitMs: a.latest.waitMs + b.latest.waitMs, reasons },
  };
}

/** Reports -> msgpack array. */
export function encodeLaneReports(reports: readonly LaneReport[]): Buffer {
  const rows = reports.map(({ latest, ...report }) => [
    report.lane,
    report.mode,
    [report.openRuns, report.arrivalsPerS, report.enough, report.most, report.drift, latest.rows, latest.waitMs],
    Object.entries(latest.reasons),
  ]);
  return packList([VERSION, rows]);
}

/** msgpack -> reports; none for bytes of another version, or that nobody of ours has written. */
export function decodeLaneReports(bytes: Uint8Array): LaneReport[] {
  const list = unpackList(bytes);
  if (list?.[0] !== VERSION || !Array.isArray(list[1])) return [];
  return (list[1] as unknown[]).flatMap((row) => decodeRow(row) ?? []);
}

function decodeRow(row: unknown): LaneReport | undefined {
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const [lane, mode, [openRuns, arrivalsPerS, enough, most, drift, rows, waitMs], reasons] = parsed.data;
  const latest = { rows, waitMs, reasons: Object.fromEntries(reasons) };
  return { lane, mode, openRuns, arrivalsPerS, enough, most, drift, latest };
}
