import { BrokerError } from "@sluice/broker";
import { createByteBudget } from "./byte-budget.js";

/** The bodies of all requests that this process reads or works on. */
export interface BodyIntake {
  /** How many bytes they have together; a body whose length was announced counts whole from the start. */
  readonly heldBytes: () => number;
  /** Begins one body. Whoever began it must release it, when nothing refers to its bytes any more. */
  open(): BodyShare;
  /** From now on nobody waits for the rest of a body: who is still sending is refused. */
  stop(): void;
}

/** One body. */
export interface BodyShare {
  /** Makes sure that so many bytes are counted. @throws BrokerError overloaded if there is no room for them */
  require(bytes: number): void;
  /** Says whom to tell when the rest of the body is not waited for any more; undefined: nobody, it has come. */
  onStop(refuse: ((error: BrokerError) => void) | undefined): void;
  release(): void;
}

/** @param budgetBytes what all bodies together may have; above it requests are refused before they are read. */
export function createBodyIntake(budgetBytes: number): BodyIntake {
  const budget = createByteBudget(budgetBytes);
  const receiving = new Set<(error: BrokerError) => void>();
  return {
    heldBytes: budget.heldBytes,
    open() {
      const hold = budget.open();
      let listener: ((error: BrokerError) => void) | undefined;
      const onStop: BodyShare["onStop"] = (refuse) => {
        if (listener) receiving.delete(listener);
        listener = refuse;
        if (listener) receiving.add(listener);
      };
      return {
        require(bytes) {
          const more = bytes - hold.heldBytes();
          if (more <= 0 || hold.take(more)) return;
          throw new BrokerError("overloaded", "this process holds as many bytes of requests as it may");
        },
        onStop,
        release() {
          onStop(undefined);
          hold.release();
        },
      };
    },
    stop() {
      for (const refuse of receiving) {
        refuse(new BrokerError("shutting-down", "this process is stopping; send it again"));
      }
    },
  };
}
