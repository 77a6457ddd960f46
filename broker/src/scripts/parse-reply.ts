import { BrokerError } from "../errors.js";
import type { Reply } from "./define-script.js";

/** A list reply. @throws BrokerError internal if it is none: script and wrapper disagree, which is a bug. */
export function asList(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply as readonly Reply[];
  throw new BrokerError("internal", `expected a list from Redis, got ${typeof reply}`);
}

/** A string reply. @throws BrokerError internal if it is none. */
export function asText(reply: Reply | undefined): string {
  return asBytes(reply).toString("utf8");
}

/** A bytes reply. @throws BrokerError internal if it is none. */
export function asBytes(reply: Reply | undefined): Buffer {
  if (Buffer.isBuffer(reply)) return reply;
  throw new BrokerError("internal", `expected bytes from Redis, got ${typeof reply}`);
}

/** A number reply. @throws BrokerError internal if it is none. */
export function asNumber(reply: Reply | undefined): number {
  if (typeof reply === "number") return reply;
  throw new BrokerError("internal", `expected a number from Redis, got ${typeof reply}`);
}

/** A word that must be one of a closed list. @throws BrokerError internal if it is not. */
export function asWord<const Word extends string>(reply: Reply | undefined, words: readonly Word[]): Word {
  const text = asText(reply);
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw new BrokerError("internal", `unexpected word from Redis: ${text}`);
  return word;
}
