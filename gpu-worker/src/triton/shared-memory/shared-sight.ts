import { BrokerError } from "@sluice/broker";
import type { Logger } from "pino";
import { wasAnswered } from "../infer-error.js";

/** What is known about whether a Triton sees the shared memory of this process. */
export interface SharedSight {
  /** Whether it does now; asks if that is not known. Never rejects. */
  look(): Promise<boolean>;
  /** It does not, or shared memory cannot be used for another reason: it is asked again after a while. */
  lose(reason: unknown, what: string): void;
}

/** What it is made of. */
export interface SharedSightDeps {
  /** Has Triton map a file; rejects if that fails. What it resolves with is logged. */
  readonly probe: () => Promise<object>;
  readonly log: Pick<Logger, "info">;
  readonly monotonicMs: () => number;
}

/** After so long a Triton that did not see our memory is asked again: it may be another one by now. */
const APART_MS = 60_000;
/** And one that did not answer at all. */
const SILENT_MS = 1_000;
const SEES = "tensors go through shared memory";

/** Knows nothing yet. Logs what it finds out, once. */
export function createSharedSight({ probe, log, monotonicMs }: SharedSightDeps): SharedSight {
  let sees: boolean | undefined;
  let untilMs = 0;
  let said = "";
  let looking: Promise<void> | undefined;
  const say = (facts: object, what: string): void => {
    if (what !== said) log.info(facts, what);
    said = what;
  };
  const lose = (reason: unknown, what: string): void => {
    sees = false;
    untilMs = monotonicMs() + (isSilent(reason) ? SILENT_MS : APART_MS);
    say({ err: reason }, what);
  };
  const ask = async (): Promise<void> => {
    try {
      const found = await probe();
      sees = true;
      say(found, SEES);
    } catch (error) {
      lose(error, "tensors go over gRPC: Triton does not see the shared memory of this process");
    }
  };
  return {
    async look() {
      if (sees === false && monotonicMs() >= untilMs) sees = undefined;
      if (sees === undefined) await (looking ??= ask().finally(() => (looking = undefined)));
      return sees === true;
    },
    lose,
  };
}

/** Whether Triton gave no answer, which says nothing about what it sees. */
function isSilent(error: unknown): boolean {
  return error instanceof BrokerError && !wasAnswered(error);
}
