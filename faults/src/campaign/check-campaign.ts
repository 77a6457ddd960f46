import { setTimeout as sleep } from "node:timers/promises";

import { inspectRedis } from "../check/inspect-redis.js";
import { judgeContents } from "../check/judge-contents.js";
import { judgeExecutions } from "../check/judge-executions.js";
import { judgeExits, judgeUsage } from "../check/judge-processes.js";
import { judgeTasks } from "../check/judge-tasks.js";
import { measureRecovery } from "../check/measure-recovery.js";
import { readProcessUsage } from "../check/process-usage.js";
import type { Violation } from "../check/violation.js";
import type { LedgerEntry } from "../client/ledger.js";
import type { Clients } from "../client/run-clients.js";
import type { InjectedFault } from "../nemesis/nemesis.js";
import type { Execution } from "../oracle/execution-log.js";
import { ORACLE_MODEL } from "../oracle/oracle-model.js";
import type { Fleet } from "../roles/start-fleet.js";
import { isKill } from "../schedule/fault.js";
import { CAMPAIGN_COUNTS, type CampaignOptions, SLOTS } from "./campaign-options.js";
import type { CampaignResult, UsageChange } from "./campaign-result.js";
import type { World } from "./start-world.js";

/** What a process held, by its name. */
export type Usage = ReadonlyMap<string, UsageChange["before"]>;

/** Everything that a campaign leaves behind for its checks. */
export interface CampaignEnd {
  readonly options: CampaignOptions;
  readonly world: World;
  readonly clients: Clients;
  readonly injected: readonly InjectedFault[];
  readonly usageBefore: Usage;
  readonly baseExecutions: readonly Execution[];
  readonly quietAfterMs: number | undefined;
  readonly startMs: number;
  /** Tasks that are judged elsewhere: what they were told is not looked at. */
  readonly isExcused?: (entry: LedgerEntry) => boolean;
}

/** What a batch may take that was cut off, delayed or stopped by a fault: so early others may be given up. */
const ADAPTIVE_EARLY_MS = 750;
/** Connections of clients that have gone are closed by and by. */
const SETTLE_MS = 15_000;

/** Checks every invariant. */
export async function checkCampaign(end: CampaignEnd): Promise<CampaignResult> {
  const { options, world, injected, startMs } = end;
  const { entries } = end.clients;
  const [judged, excused] = partition(entries, (entry) => end.isExcused?.(entry) !== true);
  const contents = await inspectRedis(world.topology);
  const usage = await usageSince(world.fleet, end.usageBefore);
  const inHand = {
    workers: (options.counts ?? CAMPAIGN_COUNTS)["gpu-worker"],
    rowsPerWorker: SLOTS * ORACLE_MODEL.maxBatchSize,
  };
  const known = ["known good"];
  const verdict = judgeExecutions(world.oracle.executions(), entries, { faults: injected, inHand, known });
  const base = judgeExecutions(end.baseExecutions, entries, { faults: [], inHand, known });
  const done = injected.filter(({ skipped }) => skipped === undefined);
  const workerDeathsMs = done
    .filter(({ fault }) => "role" in fault && fault.role === "gpu-worker" && isKill(fault))
    .map(({ atMs }) => atMs);
  const accepted = entries.filter(({ outcome }) => outcome === "ok");
  return {
    topology: options.topology,
    seed: options.seed,
    seconds: Math.round((Date.now() - startMs) / 1_000),
    quietAfterMs: end.quietAfterMs,
    tasks: {
      submitted: entries.length,
      ok: accepted.length,
      refused: entries.filter(({ outcome }) => outcome === "refused").length,
      unknown: entries.filter(({ outcome }) => outcome === "unknown").length,
    },
    states: countBy(accepted, ({ first, last }) => (first ?? last)?.state ?? "PENDING"),
    refusals: countBy(
      entries.filter(({ outcome }) => outcome === "refused"),
      ({ refusal }) => refusal ?? "none",
    ),
    faults: injected,
    kills: done.filter(({ fault }) => isKill(fault)).length,
    executions: { total: verdict.executions, unique: verdict.unique, duplicateBound: verdict.bound },
    duplicates: verdict.duplicates,
    recoveries: measureRecovery(injected, entries),
    redis: {
      keys: contents.keys,
      mostConsumers: contents.mostConsumers,
      usedMemoryMb: toMb(contents.usedMemoryBytes),
    },
    usage,
    unplannedExits: world.unplannedExits,
    violations: [
      ...judgeQuiet(end.quietAfterMs),
      ...judgeTasks(judged, { workerDeathsMs, earlyMs: options.mode === "adaptive" ? ADAPTIVE_EARLY_MS : 0 }),
      ...verdict.violations,
      ...base.violations.map((one) => ({ ...one, detail: `before the first fault: ${one.detail}` })),
      ...judgeContents(contents, { judged, excused, starts: startsOf(done) }),
      ...judgeUsage(usage),
      ...judgeExits(world.unplannedExits),
    ],
  };
}

/** Tasks that end later, or of which no caller hears, are stuck as well. */
function judgeQuiet(quietAfterMs: number | undefined): Violation[] {
  if (quietAfterMs !== undefined) return [];
  return [{ invariant: "stuck", detail: "after the last fault it did not get quiet in time" }];
}

/** Descriptors and memory of every process that runs. */
export async function readUsage(fleet: Fleet): Promise<Map<string, UsageChange["before"]>> {
  const usage = new Map<string, UsageChange["before"]>();
  for (const member of fleet.members) {
    const now = member.isRunning() ? await readProcessUsage(member.pid()) : undefined;
    if (now) usage.set(member.name, { descriptors: now.descriptors, residentMb: toMb(now.residentBytes) });
  }
  return usage;
}

/** Waits a while for descriptors to go back. */
async function usageSince(fleet: Fleet, before: Usage): Promise<UsageChange[]> {
  for (const deadlineMs = Date.now() + SETTLE_MS; ;) {
    const after = await readUsage(fleet);
    const changes = [...before].flatMap(([name, was]) => {
      const is = after.get(name);
      return is ? [{ name, before: was, after: is }] : [];
    });
    if (judgeUsage(changes).length === 0 || Date.now() > deadlineMs) return changes;
    await sleep(500);
  }
}

/** How often processes of roles were started, at least, while faults were done. */
function startsOf(done: readonly InjectedFault[]): number {
  return done.filter(({ fault }) => "role" in fault).length;
}

function partition<T>(values: readonly T[], isFirst: (value: T) => boolean): readonly [T[], T[]] {
  return [values.filter(isFirst), values.filter((value) => !isFirst(value))];
}

function countBy<T>(values: readonly T[], nameOf: (value: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[nameOf(value)] = (counts[nameOf(value)] ?? 0) + 1;
  return counts;
}

const toMb = (bytes: number): number => Math.round(bytes / 2 ** 20);
