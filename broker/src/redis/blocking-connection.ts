import { Command, type Redis } from "ioredis";
import { BrokerError } from "../errors.js";
import type { Reply } from "../scripts/define-script.js";
import type { RedisClient } from "./connect.js";
import { createMasterConnection } from "./master-connection.js";
import type { RedisTarget } from "./redis-target.js";
import { within } from "./within.js";

/** A reply is overdue when it is this much later than the command's own BLOCK time. */
const GRACE_MS = 1_000;
/** A server may accept a connection and then say nothing, also to the questions that make it ready. */
const OPEN_TIMEOUT_MS = 3_000;

/** One connection for one blocking read loop. */
export interface BlockingConnection {
  /**
   * Sends a command that blocks for at most `blockMs`.
   * @throws BrokerError storage-unavailable on any trouble, also when no reply comes in time. The connection is then
   * thrown away and the next call opens a new one: entries of a lost reply are pending for this consumer.
   * BrokerError shutting-down after `close`.
   */
  call(args: readonly (string | number)[], blockMs: number): Promise<Reply>;
  close(): void;
}

/**
 * Opens a connection of its own for blocking reads: a blocked connection cannot carry anything else, and a client
 * that silently reconnects has been seen to wedge, so this one is destroyed on the first sign of trouble.
 * @param commands resolves which Cluster node holds `key`; unused where there is one server.
 */
export function createBlockingConnection(target: RedisTarget, commands: RedisClient, key: string): BlockingConnection {
  let current: Redis | undefined;
  let closed = false;
  const discard = () => {
    current?.disconnect();
    current = undefined;
  };
  const refuseIfClosed = () => {
    if (closed) throw new BrokerError("shutting-down", "the connection is closed");
  };
  const open = async (): Promise<Redis> => {
    refuseIfClosed();
    const redis = await createMasterConnection(target, commands, key);
    refuseIfClosed();
    current = redis;
    await within(redis.connect(), OPEN_TIMEOUT_MS);
    if (closed) redis.disconnect();
    refuseIfClosed();
    return redis;
  };
  return {
    async call(args, blockMs) {
      const [name, ...rest] = args;
      try {
        const redis = current ?? (await open());
        const reply = redis.sendCommand(new Command(String(name), rest.map(String), { replyEncoding: null }));
        return await within(reply as Promise<Reply>, blockMs + GRACE_MS);
      } catch (error) {
        discard();
        throw BrokerError.from(error, "storage-unavailable", `Redis did not carry out ${name}`);
      }
    },
    close() {
      closed = true;
      discard();
    },
  };
}
