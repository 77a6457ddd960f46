import fc from "fast-check";
import { anyCommands, type Tally } from "./commands.js";
import type { Rig } from "./rig.js";
import { createSession } from "./session.js";

/** How to explore. */
export interface Exploration {
  readonly runs: number;
  readonly seed: number;
  /** Of an earlier failure: leads straight to its smallest run. */
  readonly path?: string | undefined;
  readonly replayPath?: string | undefined;
  /** Stops at the first failure, without looking for a smaller one. */
  readonly endOnFailure?: boolean;
  readonly timeLimitMs: number;
}

/** Longest run; a third of its commands or so finds nothing to do. */
const MAX_COMMANDS = 80;

/**
 * Random runs from an empty Redis.
 * @throws Error with the smallest run in which Redis and the model differ, and how to replay it.
 */
export async function explore(rig: Rig, exploration: Exploration): Promise<Tally> {
  const { runs, seed, path, replayPath, endOnFailure = false, timeLimitMs } = exploration;
  const tally: Tally = { runs: 0, actions: 0, together: 0 };
  const commands = anyCommands(tally, { maxCommands: MAX_COMMANDS, ...(replayPath ? { replayPath } : {}) });
  const property = fc.asyncProperty(commands, async (run) => {
    tally.runs++;
    const session = await createSession(rig);
    await fc.asyncModelRun(() => ({ model: {}, real: session }), run);
  });
  const result = await fc.check(property, {
    ...{ numRuns: runs, seed, endOnFailure },
    ...{ interruptAfterTimeLimit: timeLimitMs, markInterruptAsFailure: true },
    ...(path ? { path } : {}),
  });
  if (!result.failed) return tally;
  const cause = result.errorInstance instanceof Error ? result.errorInstance : undefined;
  const report = fc.defaultReportMessage(result) ?? "";
  throw new Error(`${report}\n\n${howToReplay(result.seed, result.counterexamplePath, report)}`, { cause });
}

function howToReplay(seed: number, path: string | null, report: string): string {
  const replayPath = /replayPath="([^"]*)"/.exec(report)?.[1] ?? "";
  const settings = { SEED: seed, PATH: path ?? "", REPLAY: replayPath };
  const words = Object.entries(settings).map(([name, value]) => `SLUICE_MODEL_${name}='${value}'`);
  return `Replay: ${words.join(" ")} npx vitest run broker/test/model`;
}
