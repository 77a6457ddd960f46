import type { LedgerEntry } from "../client/ledger.js";
import type { InjectedFault } from "../nemesis/nemesis.js";
import type { Execution } from "../oracle/execution-log.js";
import type { Violation } from "./violation.js";

/** An input that ran more than once. Times are wall clock, ms. */
export interface Duplicate {
  readonly text: string;
  readonly startedMs: readonly number[];
}

/** What the oracle ran, against what the clients asked for. */
export interface ExecutionVerdict {
  readonly executions: number;
  readonly unique: number;
  readonly duplicates: readonly Duplicate[];
  /** The most that the faults explain. */
  readonly bound: number;
  readonly violations: readonly Violation[];
}

/** How much each worker may have in its hands. */
export interface InHand {
  readonly workers: number;
  /** Slots of a worker times the largest batch. */
  readonly rowsPerWorker: number;
}

/** @param known texts that run without being anybody's task: the example of the model. */
export function judgeExecutions(
  executions: readonly Execution[],
  entries: readonly LedgerEntry[],
  options: { readonly faults: readonly InjectedFault[]; readonly inHand: InHand; readonly known: readonly string[] },
): ExecutionVerdict {
  const runs = new Map<string, number[]>();
  for (const { startedMs, texts } of executions) {
    for (const text of texts) {
      const times = runs.get(text);
      if (times) times.push(startedMs);
      else runs.set(text, [startedMs]);
    }
  }
  for (const text of options.known) runs.delete(text);
  const mayRun = new Set(
    entries.filter(({ outcome, mayHaveRun }) => outcome !== "refused" || mayHaveRun).map(({ text }) => text),
  );
  const violations: Violation[] = [...runs.keys()]
    .filter((text) => !mayRun.has(text))
    .map((text) => ({ invariant: "unexpected", detail: `it ran, and nobody had it accepted: ${text}` }));
  const due = runsDue(entries);
  const duplicates = [...runs].flatMap(([text, startedMs]) => {
    return startedMs.length > (due.get(text) ?? 1) ? [{ text, startedMs }] : [];
  });
  const extra = duplicates.reduce((sum, { text, startedMs }) => sum + startedMs.length - (due.get(text) ?? 1), 0);
  const total = [...runs.values()].reduce((sum, times) => sum + times.length, 0);
  const bound = options.faults.reduce((sum, fault) => sum + boundOf(fault, options.inHand), 0);
  const { faults } = options;
  for (const { text, startedMs } of duplicates) {
    const unexplained = startedMs.slice(1).filter((atMs) => !faults.some((one) => explains(one, atMs, options.inHand)));
    if (unexplained.length < (due.get(text) ?? 1)) continue;
    violations.push({ invariant: "duplicates", detail: `it ran again while nothing was wrong: ${text}` });
  }
  if (extra > bound) {
    violations.push({ invariant: "duplicates", detail: `${extra} executions too many; the faults explain ${bound}` });
  }
  if (extra > MOST_AGAIN * total && total >= LARGE) {
    violations.push({ invariant: "duplicates", detail: `${extra} of ${total} executions were repeats` });
  }
  return { executions: total, unique: runs.size, duplicates, bound, violations };
}

/**
 * Each fault explains what its workers may have in hand, which adds up to far more than they had. In a large campaign, a
 * kill for each 500 tasks, repeats are 3 in 1,000.
 */
const MOST_AGAIN = 0.005;
const LARGE = 20_000;

/** Longer than a lease, a look-up after it, and what waits in line by then. */
const AFTER_MS = 30_000;

/** Whether what was in hand when the fault was done may run again at this moment. */
function explains(fault: InjectedFault, atMs: number, inHand: InHand): boolean {
  if (boundOf(fault, inHand) === 0 || atMs < fault.atMs) return false;
  return atMs <= (fault.healedMs ?? Infinity) + AFTER_MS;
}

/** How often a text may run without a fault: once, or once for each of its tasks where one of them may leave its run. */
function runsDue(entries: readonly LedgerEntry[]): Map<string, number> {
  const tasks = new Map<string, { count: number; leaves: boolean }>();
  for (const { text, purpose } of entries) {
    const known = tasks.get(text) ?? { count: 0, leaves: false };
    const leaves = known.leaves || purpose === "cancel" || purpose === "short";
    tasks.set(text, { count: known.count + 1, leaves });
  }
  return new Map([...tasks].map(([text, { count, leaves }]) => [text, leaves ? count : 1]));
}

/** How many rows a fault may make run again: what is in the hands of the workers that it cuts off. */
export function boundOf({ fault, target, skipped }: InjectedFault, { workers, rowsPerWorker }: InHand): number {
  if (skipped !== undefined) return 0;
  const ofAll = workers * rowsPerWorker;
  switch (fault.kind) {
    case "kill-role":
    case "cut-drain":
    case "pause-role":
      return fault.role === "gpu-worker" ? rowsPerWorker : 0;
    case "link":
      if (fault.group === "oracle") return rowsPerWorker;
      if (fault.group === "api") return 0;
      // On one Redis a link is one process's; elsewhere it is a server's.
      return target?.startsWith("redis") ? ofAll : target?.startsWith("gpu-worker") ? rowsPerWorker : 0;
    case "kill-oracle":
    case "pause-oracle":
    case "kill-master":
    case "kill-replica":
    case "pause-redis":
    case "client-kill":
    case "cluster-failover":
    case "migrate-slot":
    case "stale-failover":
      return ofAll;
    case "script-flush":
    case "destroy-groups":
    case "memory-limit":
      return 0;
  }
}
