import { parseTaskId, type ReadTaskReply } from "@sluice/broker";
import { type AdmitDeps, admitOrder, type AdmittedTask } from "./admit-order.js";
import type { BoundTask } from "./bind-order.js";
import type { Order } from "./plan-task.js";
import type { ReadTask } from "./read-until-ended.js";

/** What became of an order that has an Idempotency-Key. */
export type BoundAdmission =
  | { readonly admitted: AdmittedTask }
  /** An earlier request with the key was admitted, and this is what its task says. */
  | { readonly known: ReadTaskReply };

/**
 * Admits the task that an Idempotency-Key names, unless that was done. A task that was admitted and that Redis has lost
 * all the same, for it would have to know it by now, is admitted anew.
 * @throws BrokerError what `admitOrder` throws
 */
export async function admitBound(
  deps: AdmitDeps & { readonly read: ReadTask },
  order: Order,
  bound: BoundTask,
): Promise<BoundAdmission> {
  const { task } = bound;
  if (bound.admitted) {
    const known = await deps.read(task.taskId);
    const isLost = known.kind === "none" && bound.remembered;
    if (!isLost || parseTaskId(task.taskId)?.shard !== task.digest.shard) return { known };
  }
  const keyLasts = bound.confirmKey();
  const admitted = await admitOrder(deps, order, task, bound.release);
  await keyLasts();
  await bound.confirm();
  return { admitted };
}
