import { type PlanTask, planTask } from "../client/plan-task.js";
import { createRandom } from "../random.js";
import type { Patch } from "../roles/copy-programs.js";

/** Live settings of a sweep: the lease of a run ends within a freeze. */
export const SWEEP_SETTINGS: Readonly<Record<string, string>> = { lease_ms: "4000" };

const constant = (file: string, name: string, is: string, becomes: string): Patch => ({
  file,
  find: `const ${name} = ${is};`,
  replace: `const ${name} = ${becomes};`,
});

/**
 * What a sweep changes in its copy of the programs: only times and limits.
 * - Workers die every second, so an innocent run may well be in the hands of each that it is given to. It must come to
 *   its end all the same, and no death is an excuse for FAILED here; that deaths make a dead letter is tested elsewhere.
 * - What is done every few minutes or after some is done within seconds, so that there are enough chances to die at it.
 */
export const SWEEP_PATCHES: readonly Patch[] = [
  constant("broker/dist/batches/protocol-limits.js", "MAX_ALONE_DEATHS", "3", "1000"),
  constant("batcher/dist/sweep-loops.js", "DROP_CONSUMERS_EVERY", "120", "2"),
  constant("batcher/dist/sweep-loops.js", "CONSUMER_IDLE_MS", "600_000", "20_000"),
  constant("batcher/dist/dead-slots-loop.js", "DROP_CONSUMERS_EVERY", "300", "5"),
  constant("batcher/dist/dead-slots-loop.js", "CONSUMER_IDLE_MS", "600_000", "20_000"),
  constant("broker/dist/blobs/blob-reaper.js", "GRACE_MS", "20_000", "3_000"),
  constant("api/dist/blobs/blob-sweeper.js", "EVERY_MS", "10 * 60_000", "5_000"),
  constant("api/dist/blobs/blob-sweeper.js", "MIN_AGE_MS", "45 * 60_000", "20_000"),
];

/** One ordinary task in so many is too large to lie in Redis. */
const LARGE_EVERY = 40;
const LARGE_CHARACTERS = 66_000;

/** As in every campaign, with some large inputs. */
export const planSweepTask: PlanTask = (seed, index, earlier) => {
  const plan = planTask(seed, index, earlier);
  const isLarge = plan.purpose === "ordinary" && createRandom(`${seed}/large/${index}`).chance(1 / LARGE_EVERY);
  return isLarge ? { ...plan, text: `${plan.text} ${"x".repeat(LARGE_CHARACTERS)}` } : plan;
};
