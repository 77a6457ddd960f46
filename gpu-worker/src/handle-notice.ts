import { finishBatch, type PulledNotice } from "@sluice/broker";
import type { Endpoint } from "./endpoint.js";
import type { SlotHeartbeat } from "./heartbeat.js";
import { pause } from "./pause.js";
import { troubleMs } from "./retry-policy.js";
import { type BatchDeps, type BatchEnd, giveAllBack, leaveAll, runBatch } from "./run-batch.js";
import type { SoloGate } from "./solo-gate.js";

/** What a slot needs for a notice in its hands. */
export interface NoticeDeps extends BatchDeps {
  readonly gate: SoloGate;
  readonly heartbeat: SlotHeartbeat;
}

/** Whose hands it is in. */
export interface NoticeHolder {
  readonly slot: string;
  readonly pool: string;
  /** The slot is to stop: what is not begun is not begun any more. */
  readonly stopping: AbortSignal;
  /** Where the batch runs was decided; what runs nowhere is left. */
  readonly runsOn: (endpoint: Endpoint) => void;
}

/**
 * Runs the batch of a notice, alone in the process if it must be, and takes the notice away.
 * @returns whether something was given back.
 */
export async function handleNotice(pulled: PulledNotice, holder: NoticeHolder, deps: NoticeDeps): Promise<boolean> {
  deps.metrics.batchesInFlight.inc();
  try {
    const end = await runAtGate(pulled, holder, deps);
    await finish(pulled, end, { holder, deps });
    return end.gaveBack;
  } finally {
    deps.metrics.batchesInFlight.dec();
  }
}

async function runAtGate(
  { notice, noticeId }: PulledNotice,
  holder: NoticeHolder,
  deps: NoticeDeps,
): Promise<BatchEnd> {
  if (!notice) {
    // Its runs are found by look-up.
    deps.metrics.malformedNotices.inc();
    deps.log.error({ noticeId, slot: holder.slot }, "a notice that cannot be read is taken away");
    return { serviceMs: 0, unsettled: [], gaveBack: false };
  }
  const leave = await deps.gate.enter(notice.reason === "solo");
  try {
    return holder.stopping.aborted ? leaveAll(notice) : await runBatch(notice, holder, deps);
  } catch (err) {
    deps.log.error({ err, batchId: notice.batchId }, "batch broke off");
    return await giveAllBack(notice, holder.slot, deps);
  } finally {
    leave();
  }
}

/** Again and again until it is done: a notice that stays pending for a slot that lives would cost its credit for ever. */
async function finish(
  { noticeId, batchClass, notice }: PulledNotice,
  end: BatchEnd,
  { holder: { slot, pool }, deps }: { readonly holder: NoticeHolder; readonly deps: NoticeDeps },
): Promise<void> {
  const message = { batchId: notice?.batchId ?? "", serviceMs: end.serviceMs, unsettled: end.unsettled };
  for (let failures = 1; ; failures++) {
    try {
      await finishBatch(deps.redis, pool, { batchClass, noticeId, slot, message });
      return;
    } catch (err) {
      if (failures === 1) deps.log.warn({ err, batchId: message.batchId }, "batch not finished yet");
      deps.heartbeat.doubt(slot);
      if (deps.signal.aborted) return;
      await pause(troubleMs(failures, deps.random()), deps.signal);
    }
  }
}
