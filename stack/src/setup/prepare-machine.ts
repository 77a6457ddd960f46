import type { Progress } from "../progress.js";
import { prepareTriton } from "../triton/prepare-triton.js";
import { ensureRedis } from "./ensure-redis.js";

/** What is to run elsewhere, and so is not needed here. */
export interface Elsewhere {
  readonly redisUrl?: string | undefined;
  readonly tritonUrl?: string | undefined;
}

/** What was found or installed; undefined where it runs elsewhere. */
export interface PreparedMachine {
  readonly redisProgram: string | undefined;
}

/**
 * Makes sure that this machine has a Redis and a Triton to run.
 * @throws SetupError with one sentence that says what it lacks and what to do.
 */
export async function prepareMachine(elsewhere: Elsewhere, progress: Progress): Promise<PreparedMachine> {
  const redisProgram = elsewhere.redisUrl === undefined ? await ensureRedis(progress) : undefined;
  if (elsewhere.tritonUrl === undefined) await prepareTriton(undefined, progress);
  return { redisProgram };
}
