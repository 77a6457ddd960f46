import { BrokerError } from "../errors.js";

/**
 * Whether a command that failed certainly changed nothing: Redis refused it with an error reply, or it was never sent.
 * Everything else (a connection cut, no reply in time) may have been carried out.
 * @param error what ioredis rejected with, or a BrokerError that has it as its cause.
 */
export function wasNotCarriedOut(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof BrokerError && error.details["sent"] === false) return true;
  if (error instanceof BrokerError) return error.code !== "durability-unconfirmed" && wasNotCarriedOut(error.cause);
  return error.name === "ReplyError" || /^(?:Stream isn't writeable|Cluster isn't ready)\b/.test(error.message);
}
