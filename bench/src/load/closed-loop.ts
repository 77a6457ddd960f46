import type { Exchange } from "./exchange.js";
import type { LoadRecorder } from "./load-recorder.js";
import type { NextInput } from "./task-input.js";

/** What a loop works with. */
export interface LoopDeps {
  readonly exchange: Exchange;
  readonly nextInput: NextInput;
  readonly recorder: LoadRecorder;
}

/** A client whose task failed does not hammer a system that is in trouble. */
const PAUSE_AFTER_PROBLEM_MS = 100;

/**
 * `clients` clients that each submit their next task when the last one is answered. Resolves when all have stopped.
 * @param untilMs on performance.now()'s clock: no task begins later.
 */
export async function runClosedLoop(deps: LoopDeps, clients: number, untilMs: number): Promise<void> {
  await Promise.all(Array.from({ length: clients }, () => runClient(deps, untilMs)));
}

async function runClient({ exchange, nextInput, recorder }: LoopDeps, untilMs: number): Promise<void> {
  for (let startMs = performance.now(); startMs < untilMs; startMs = performance.now()) {
    const problem = await exchange(nextInput(), recorder.nextIsChecked());
    recorder.ended(startMs, performance.now(), problem);
    if (problem !== undefined) await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_PROBLEM_MS));
  }
}
