import { createRandom, type Random } from "../random.js";
import type { LedgerEntry, TaskPurpose } from "./ledger.js";

/** Far beyond what any fault costs: an ordinary task that expires has been stuck. */
export const ORDINARY_DEADLINE_MS = 600_000;

/** How far back the task may be that a twin repeats: still open, or ended already. */
const TWIN_LAGS = [1, 1, 2];
/** How far back one may be that is canceled by now: half of these have a twin, which must not hang on what is gone. */
const CANCELED_LAG = 40;

/** Decides what a task is. */
export type PlanTask = typeof planTask;

/**
 * What task number `index` is: everything about it that its seed decides.
 * @param earlier the tasks before it; a twin repeats the text of one.
 */
export function planTask(
  seed: string,
  index: number,
  earlier: readonly Pick<LedgerEntry, "text" | "purpose">[],
): Pick<LedgerEntry, "index" | "text" | "purpose" | "deadlineMs" | "idempotencyKey"> & { readonly waitS: number } {
  const random: Random = purposeRandom(seed, index);
  const canceled = earlier[index - CANCELED_LAG];
  const followsCanceled = canceled?.purpose === "cancel" && random.chance(0.5);
  const drawn = followsCanceled ? "twin" : drawPurpose(random);
  const before = followsCanceled ? canceled : earlier[index - random.pick(TWIN_LAGS)];
  // A twin of a task that is canceled or expires must live on without it.
  const purpose = drawn === "twin" && !isTwinnable(before) ? "ordinary" : drawn;
  return {
    index,
    purpose,
    text: purpose === "twin" && before ? before.text : `${purpose === "poison" ? "poison " : ""}${seed} ${index}`,
    deadlineMs: purpose === "short" ? random.between(50, 1_500) : ORDINARY_DEADLINE_MS,
    idempotencyKey: random.chance(0.7) ? `${seed}-${index}` : undefined,
    // Some callers wait in the submission itself, some for a result later.
    waitS: random.chance(0.3) ? random.between(1, 5) : 0,
  };
}

function isTwinnable(before: Pick<LedgerEntry, "purpose"> | undefined): boolean {
  return before !== undefined && ["ordinary", "cancel", "short"].includes(before.purpose);
}

function purposeRandom(seed: string, index: number): Random {
  return createRandom(`${seed}/task/${index}`);
}

function drawPurpose(random: Random): TaskPurpose {
  const draw = random.next();
  if (draw < 0.06) return "twin";
  if (draw < 0.09) return "cancel";
  if (draw < 0.13) return "short";
  if (draw < 0.132) return "poison";
  return "ordinary";
}
