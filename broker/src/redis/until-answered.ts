import { setTimeout as sleep } from "node:timers/promises";

import { BrokerError } from "../errors.js";

/** Longer than a failover takes. */
const GIVE_UP_MS = 15_000;
const AGAIN_AFTER_MS = 200;
/** Error replies that end by themselves. */
const PASSING = /^(?:LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|READONLY|BUSY|MOVED|ASK)\b/;

/**
 * Asks again while Redis does not answer: a role that starts in the middle of a failover, or whose connection is cut at
 * its first question, waits instead of ending. A refusal that no waiting mends is told at once.
 * @param giveUpMs what fails after that is told. @throws what `ask` rejects with
 */
export async function untilAnswered<Result>(ask: () => Promise<Result>, giveUpMs = GIVE_UP_MS): Promise<Result> {
  for (const giveUpAtMs = performance.now() + giveUpMs; ; await sleep(AGAIN_AFTER_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > giveUpAtMs || isRefusal(error)) throw error;
    }
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  if (error instanceof BrokerError && error.code !== "storage-unavailable") return true;
  if (error.name === "ReplyError") return !PASSING.test(error.message);
  return error.cause instanceof Error && isRefusal(error.cause);
}
