import { Command } from "ioredis";

import { BrokerError } from "../errors.js";
import type { RedisClient } from "../redis/connect.js";
import type { Reply } from "../scripts/define-script.js";

/**
 * A command about a stream's group, its reply as bytes: a stream or group that does not exist (any more) holds nothing
 * that is pending, so the reply is empty then.
 * @throws BrokerError storage-unavailable
 */
export async function sendToGroup(redis: RedisClient, name: string, ...args: (string | number)[]): Promise<Reply> {
  try {
    return (await redis.sendCommand(new Command(name, args, { replyEncoding: null }))) as Reply;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("NOGROUP")) return [];
    throw BrokerError.from(error, "storage-unavailable", `Redis did not carry out ${name}`);
  }
}
