import type { CampaignResult } from "../campaign/campaign-result.js";
import { percentile } from "../check/measure-recovery.js";
import { INVARIANTS } from "../check/violation.js";

/** A campaign in a few lines of plain text. */
export function summarize(result: CampaignResult): string[] {
  const { tasks, executions } = result;
  const done = result.faults.filter(({ skipped }) => skipped === undefined).length;
  return [
    `${result.topology}, seed ${result.seed}, ${result.seconds} s: ${verdictOf(result)}`,
    `  tasks: ${tasks.submitted} submitted, ${tasks.ok} accepted, ${tasks.refused} refused, ${tasks.unknown} unknown`,
    `  ended: ${listOf(result.states)}`,
    `  faults: ${done} done (${result.kills} kills), ${result.faults.length - done} skipped`,
    `  executions: ${executions.total} of ${executions.unique} inputs; ${ranAgain(result)} again (the faults explain ${executions.duplicateBound})`,
    `  quiet ${result.quietAfterMs === undefined ? "never" : `after ${result.quietAfterMs} ms`}`,
    ...recoveryLines(result),
    ...INVARIANTS.flatMap((invariant) => {
      const broken = result.violations.filter((one) => one.invariant === invariant);
      return broken.slice(0, 5).map(({ detail }) => `  ${invariant.toUpperCase()} (${broken.length}): ${detail}`);
    }),
  ];
}

/** How many executions repeat one that was there already. */
export function ranAgain({ duplicates }: Pick<CampaignResult, "duplicates">): number {
  return duplicates.reduce((sum, { startedMs }) => sum + startedMs.length - 1, 0);
}

/** `green`, or which invariants do not hold and how often. */
export function verdictOf({ violations }: Pick<CampaignResult, "violations">): string {
  if (violations.length === 0) return "green";
  const counts: Record<string, number> = {};
  for (const { invariant } of violations) counts[invariant] = (counts[invariant] ?? 0) + 1;
  return `RED: ${listOf(counts)}`;
}

/** Recovery of kills that were alone, by what was killed. ms. */
export function recoveryTable(results: readonly CampaignResult[]): {
  readonly name: string;
  readonly kills: number;
  readonly p50: number;
  readonly p99: number;
  readonly gapP99: number | undefined;
}[] {
  const all = results.flatMap(({ recoveries, topology }) => recoveries.map((one) => ({ ...one, topology })));
  const names = [...new Set(all.map(({ name, topology }) => `${topology} ${name}`))].sort();
  return names.map((name) => {
    const ours = all.filter((one) => `${one.topology} ${one.name}` === name);
    const times = ours.map(({ recoveryMs }) => recoveryMs);
    return {
      name,
      kills: ours.length,
      p50: percentile(times, 0.5) ?? 0,
      p99: percentile(times, 0.99) ?? 0,
      gapP99: percentile(
        ours.flatMap(({ writeGapMs }) => writeGapMs ?? []),
        0.99,
      ),
    };
  });
}

function recoveryLines(result: CampaignResult): string[] {
  return recoveryTable([result]).map(({ name, kills, p50, p99, gapP99 }) => {
    const gap = gapP99 === undefined ? "" : `, write gap p99 ${gapP99} ms`;
    return `  recovery after ${name}: ${kills} alone, p50 ${p50} ms, p99 ${p99} ms${gap}`;
  });
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const items = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return items.map(([name, count]) => `${count} ${name}`).join(", ") || "none";
}
