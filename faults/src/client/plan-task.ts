import { createRandom, type Random } from "../random.js";
import type { LedgerEntry, TaskPurpose } from "./ledger.js";

/** Far beyond what any fault costs: an ordinary task that expires has been stuck. */
export const ORDINARY_DEADLINE_MS = 600_000;

/** What task number `index` is: everything about it that its seed decides. Twins repeat the text of the task before. */
export function planTask(
  seed: string,
  index: number,
  before: Pick<LedgerEntry, "text" | "purpose"> | undefined,
): Pick<LedgerEntry, "index" | "text" | "purpose" | "deadlineMs" | "idempotencyKey"> & { readonly waitS: number } {
  const random: Random = purposeRandom(seed, index);
  const drawn = drawPurpose(random);
  const purpose = drawn === "twin" && before?.purpose !== "ordinary" ? "ordinary" : drawn;
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
