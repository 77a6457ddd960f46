import type { Writable } from "node:stream";

import type { Failpoints } from "./failpoints.js";
import { type CommandWord, redisEffect } from "./redis-effect.js";

/** A command of ioredis, as far as it is needed here. */
interface RedisCommand {
  readonly name: string;
  readonly args: readonly CommandWord[];
  resolve: (reply: unknown) => void;
  toWritable(stream: Writable): unknown;
}

/** Connections on which something was sent, for {@link sendHeldBack}. */
export type SentStreams = Set<Writable>;

/**
 * Puts points around every command that leaves the process: ioredis turns a command into bytes when it writes it, on
 * whatever connection, and nowhere else.
 * @param commandClass the class `Command` of the ioredis that the program loads.
 * @param deps.streams gets the connections on which something was sent.
 */
export function wrapRedis(
  commandClass: { readonly prototype: RedisCommand },
  deps: {
    readonly points: Failpoints;
    readonly scripts: ReadonlyMap<string, string>;
    readonly streams: SentStreams;
  },
): void {
  const { points, scripts, streams } = deps;
  const answered = new WeakSet<RedisCommand>();
  const { prototype } = commandClass;
  // Called with the command below.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const { toWritable } = prototype;
  prototype.toWritable = function (this: RedisCommand, stream) {
    const effect = redisEffect(this.name, this.args, scripts);
    points.hit("before", effect);
    if (!streams.has(stream)) {
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
    }
    // A command that is redirected is sent again; its reply is told once.
    if (!answered.has(this)) {
      answered.add(this);
      const { resolve } = this;
      this.resolve = (reply) => {
        // A read that waited and brought nothing has done nothing.
        if (reply !== null || !effect.startsWith("XREADGROUP")) points.hit("after", effect);
        resolve(reply);
      };
    }
    return toWritable.call(this, stream);
  };
}

/**
 * Lets everything go that was sent in this turn of the event loop and is held back to leave in one write: a point
 * before an effect lies after all that was sent before it.
 */
export function sendHeldBack(streams: SentStreams): void {
  for (const stream of streams) while (stream.writableCorked > 0) stream.uncork();
}
