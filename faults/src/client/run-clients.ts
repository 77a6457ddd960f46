import { driveTask, type DriveDeps, readLast } from "./drive-task.js";
import { type LedgerEntry, openEntry } from "./ledger.js";
import { type PlanTask, planTask } from "./plan-task.js";

/** Clients that submit at a steady pace and follow what was accepted. */
export interface Clients {
  readonly entries: readonly LedgerEntry[];
  /** Entries that no end was seen of yet. */
  openCount(): number;
  /** Submits `count` more tasks at `perSecond`, fewer while too many are open; ends early when `until` says so. */
  submit(count: number, perSecond: number, until?: () => boolean): Promise<void>;
  /** Reads everything that was accepted once more. */
  readAllAgain(): Promise<void>;
}

/** How many tasks may be open at once. */
const MAX_OPEN = 3_000;
/** How many reads run at once. */
const READERS = 32;

/**
 * @param seed decides what each task is.
 * @param plan how it does.
 */
export function createClients(seed: string, deps: DriveDeps, plan: PlanTask = planTask): Clients {
  const entries: LedgerEntry[] = [];
  const driving = new Set<Promise<void>>();
  const begin = (): void => {
    const { waitS, ...planned } = plan(seed, entries.length, entries);
    const entry = openEntry(planned, deps.now());
    entries.push(entry);
    const drive = driveTask(entry, waitS, deps).finally(() => driving.delete(drive));
    driving.add(drive);
  };
  return {
    entries,
    openCount: () => driving.size,
    async submit(count, perSecond, until = () => false) {
      const startMs = deps.now();
      for (let submitted = 0; submitted < count && !until();) {
        const due = Math.min(count, Math.ceil(((deps.now() - startMs) / 1_000) * perSecond));
        for (; submitted < due; submitted++) {
          if (driving.size >= MAX_OPEN) break;
          begin();
        }
        await deps.sleep(10);
      }
    },
    async readAllAgain() {
      const waiting = entries.filter((entry) => entry.taskId !== undefined).values();
      const reader = async (): Promise<void> => {
        for (const entry of waiting) await readLast(entry, deps);
      };
      await Promise.all(Array.from({ length: READERS }, reader));
    },
  };
}
