/** Says what is being done and how long it takes, so that nobody waits in the dark. */
export interface Progress {
  /** Runs one step. A long one says every few seconds that it is still going on. */
  step<T>(label: string, action: () => Promise<T>): Promise<T>;
}

/** How often a long step says that it goes on. */
const REMINDER_MS = 10_000;
/** Steps that are done sooner are not worth a line. */
const SILENT_MS = 300;

/** @param write gets whole lines, without the line end. */
export function createProgress(write: (line: string) => void): Progress {
  return {
    async step(label, action) {
      const startedMs = performance.now();
      const seconds = () => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
      const first = setTimeout(() => write(`  ${label} ...`), SILENT_MS);
      const reminder = setInterval(() => write(`  ${label} ... ${seconds()} so far`), REMINDER_MS);
      try {
        const result = await action();
        if (performance.now() - startedMs >= SILENT_MS) write(`  ${label}: done in ${seconds()}`);
        return result;
      } finally {
        clearTimeout(first);
        clearInterval(reminder);
      }
    },
  };
}
