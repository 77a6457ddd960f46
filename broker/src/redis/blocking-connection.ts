import { Command, type Redis } from "ioredis";
import { BrokerError } from "../errors.js";
import type { Reply } from "../scripts/define-script.js";
import type { RedisClient } from "./connect.js";
import { createMasterConnection } from "./master-connection.js";
import type { RedisTarget } from "./redis-target.js";

/** A reply is overdue when it is this much later than the command's own BLOCK time. */
const GRACE_MS = 1_000;

/** One connection for one blocking read loop. */
export interface BlockingConnection {
  /**
   * Sends a command that blocks for at most `blockMs`.
   * @throws BrokerError storage-unavailable on any trouble, also when no reply comes in time. The connection is then
   * thrown away and the next call opens a new one: entries of a lost reply are pending for this consumer.
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
  const open = async (): Promise<Redis> => {
    if (closed) throw new BrokerError("shutting-down", "the connection is closed");
    const redis = await createMasterConnection(target, commands, key);
    if (closed) throw new BrokerError("shutting-down", "the connection is closed");
    current = redis;
    await redis.connect();
    return redis;
  };
  return {
    async call(args, blockMs) {
      const [name, ...rest] = args;
      let watchdog: NodeJS.Timeout | undefined;
      try {
        const redis = current ?? (await open());
        const overdue = new Promise<never>((_resolve, reject) => {
          watchdog = setTimeout(() => reject(new Error("no reply in time")), blockMs + GRACE_MS);
        });
        const reply = redis.sendCommand(new Command(String(name), rest.map(String), { replyEncoding: null }));
        return await Promise.race([reply as Promise<Reply>, overdue]);
      } catch (error) {
        discard();
        throw BrokerError.from(error, "storage-unavailable", `Redis did not carry out ${name}`);
      } finally {
        clearTimeout(watchdog);
      }
    },
    close() {
      closed = true;
      discard();
    },
  };
}
