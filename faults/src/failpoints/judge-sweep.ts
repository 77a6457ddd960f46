import type { CampaignResult } from "../campaign/campaign-result.js";
import type { LoggedAnswer } from "../client/answer-log.js";
import type { LedgerEntry } from "../client/ledger.js";
import type { InjectedFault } from "../nemesis/nemesis.js";
import type { FleetMember } from "../roles/start-fleet.js";
import type { Fault } from "../schedule/fault.js";
import type { LoopProgress } from "../wedge/watch-progress.js";
import { FREEZE_MS, type ReachedPoint } from "./conduct-member.js";
import { type HitCounts, roleOf } from "./failpoint.js";
import type { PointResult } from "./sweep-result.js";
import { pointsOf } from "./traced-points.js";

/** What was noted while processes died. */
export interface SweepNotes {
  readonly reached: ReachedPoint[];
  readonly killed: { readonly member: FleetMember; readonly atMs: number }[];
  readonly oracleKilledMs: number[];
  readonly blamed: string[];
}

/** A point that few ways lead to may be missed a few times. */
const MANY_TURNS = 10;
/** How far from a task's life a point may be to be named with what went wrong with it. */
const NEAR_MS = 2_000;
const MOST_NEAR = 12;

/** The deaths and pauses, as the checks of campaigns know them. */
export function faultsDone({ reached, killed, oracleKilledMs }: SweepNotes): InjectedFault[] {
  const rest = { alone: false, skipped: undefined, shards: [] };
  const died = (role: FleetMember["role"]): Fault => ({ kind: "kill-role", role, pick: 0, downMs: 0 });
  return [
    ...reached.map(({ trial, member, atMs }) => {
      const role = roleOf(trial.point);
      const frozen: Fault = { kind: "pause-role", role, pick: 0, forMs: FREEZE_MS };
      const fault = trial.action === "kill" ? died(role) : frozen;
      return { ...rest, name: `${trial.action} ${trial.point}`, fault, target: member, atMs, healedMs: atMs };
    }),
    ...killed.map(({ member: { name, role }, atMs }) => {
      return { ...rest, name: `kill-role ${role}`, fault: died(role), target: name, atMs, healedMs: atMs };
    }),
    ...oracleKilledMs.map((atMs) => {
      const fault: Fault = { kind: "kill-oracle", downMs: 0 };
      return { ...rest, name: fault.kind, fault, target: "oracle", atMs, healedMs: atMs };
    }),
  ].sort((a, b) => a.atMs - b.atMs);
}

/** @param planned trials of each point. */
export function pointResults(
  hits: HitCounts,
  planned: ReadonlyMap<string, number>,
  reached: readonly ReachedPoint[],
): PointResult[] {
  return pointsOf(hits).map((point) => {
    const ours = reached.filter(({ trial }) => trial.point === point);
    const kills = ours.filter(({ trial }) => trial.action === "kill").length;
    const of = (phase: string): number => hits[`${phase} ${point}`] ?? 0;
    return {
      point,
      hits: { start: of("start"), work: of("work"), drain: of("drain") },
      planned: planned.get(point) ?? 0,
      kills,
      freezes: ours.length - kills,
    };
  });
}

/** Scripts that no role called. */
export function uncalledScripts(scripts: readonly string[], hits: HitCounts): string[] {
  const called = new Set(pointsOf(hits).map((point) => point.slice(point.lastIndexOf(":") + 1)));
  return scripts.filter((name) => !called.has(name));
}

/** Everything that did not hold, in words. */
export function judgeSweep(end: {
  readonly notes: SweepNotes;
  readonly campaign: CampaignResult;
  readonly entries: readonly LedgerEntry[];
  readonly answers: readonly LoggedAnswer[];
  readonly loops: readonly LoopProgress[];
  readonly blobsLeft: readonly string[];
  readonly points: readonly PointResult[];
}): string[] {
  const { notes, campaign, entries, answers, loops, blobsLeft, points } = end;
  const dead = entries.filter(({ first, last }) => (first ?? last)?.errorCode === "worker-died");
  const bugs = answers.filter(({ answer }) => /^5(?!03)/.test(answer));
  const silent = loops.filter(({ afterMs }) => afterMs === undefined);
  return [
    ...notes.blamed,
    ...campaign.violations.map(({ invariant, detail }) => `${invariant}: ${detail}${nearBy(detail, entries, notes)}`),
    ...dead.map(({ index }) => `unexpected: task ${index} failed because workers died`),
    ...bugs.map(({ request, answer }) => `unexpected: ${request} was answered ${answer}`),
    ...silent.map(({ loop }) => `wedged: ${loop} after the last fault`),
    ...(blobsLeft.length > 0 ? [`residue: ${blobsLeft.length} blobs, as ${blobsLeft[0] ?? ""}`] : []),
    ...(notes.reached.length === 0 ? ["unexpected: no point was reached"] : []),
    ...points.flatMap(({ point, planned, kills, freezes }) =>
      planned >= MANY_TURNS && kills + freezes === 0
        ? [`unexpected: ${point} was planned ${planned} times, and never reached`]
        : [],
    ),
  ];
}

/** The points that were reached while a task that is named lived. */
function nearBy(detail: string, entries: readonly LedgerEntry[], { reached }: SweepNotes): string {
  const entry = entries[Number(/: task (\d+) /.exec(detail)?.[1] ?? -1)];
  if (entry === undefined) return "";
  const untilMs = (entry.endedMs ?? entry.submittedMs + 20_000) + NEAR_MS;
  const near = reached.filter(({ atMs }) => atMs > entry.submittedMs - NEAR_MS && atMs < untilMs);
  const names = near.slice(0, MOST_NEAR).map(({ trial }) => `${trial.action} ${trial.point} (${trial.phase})`);
  return `; near by: ${names.join(", ") || "nothing"}`;
}
