import { type Clock, readLearnedTimes, type RedisClient, writeLearnedTimes } from "@sluice/broker";
import type { Logger } from "pino";
import type { KnowledgeBook } from "./adaptive/knowledge-book.js";
import type { LoopHealth } from "./loop-health.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

const SHARE_EVERY_MS = 5_000;
/** A GPU may have been replaced since; `drift` makes up for what has changed by less. */
const BELIEVED_MS = 7 * 24 * 3_600_000;

/**
 * Shares what batchers learn about service times: a new one, or one that was restarted, knows at once what the others
 * know. The last writer wins, for all of them measure the same model; each goes by what it has seen itself, where it
 * has seen enough.
 */
export function createTimesLoop(deps: {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly knowledge: KnowledgeBook;
}): WakeableLoop {
  const { redis, clock, knowledge } = deps;
  const turn = async (): Promise<number> => {
    knowledge.adopt(await readLearnedTimes(redis), clock.epochMs() - BELIEVED_MS);
    await writeLearnedTimes(redis, knowledge.takeNews(clock.epochMs()));
    return SHARE_EVERY_MS;
  };
  return createWakeableLoop("times", turn, deps);
}
