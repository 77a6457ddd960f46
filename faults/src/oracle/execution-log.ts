import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** One call that the oracle ran. */
export interface Execution {
  /** Wall clock, ms: oracle and harness are on one machine. */
  readonly startedMs: number;
  readonly texts: readonly string[];
}

/** Notes a call before it runs, past all buffers of ours: an oracle that is killed has still run it. */
export function appendExecution(file: string, execution: Execution): void {
  appendFileSync(file, `${JSON.stringify([execution.startedMs, ...execution.texts])}\n`);
}

/** All calls, in order. A last line that was cut off by a kill never ran. */
export function readExecutions(file: string): Execution[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [startedMs, ...texts] = JSON.parse(line) as [number, ...string[]];
    return { startedMs, texts };
  });
}
