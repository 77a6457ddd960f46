import { Command } from "ioredis";
import { BrokerError } from "../errors.js";
import type { RedisClient } from "../redis/connect.js";
import { type LuaSource, loadLua } from "./load-lua.js";

/** What Redis answers: numbers, bytes, null, and lists of these. */
export type Reply = number | Buffer | null | readonly Reply[];
type Argument = string | number | Uint8Array;

/** A name ending in `...` stands for any number of values and comes last. */
type Values<Name extends string, Value> = { [N in Name]: N extends `${string}...` ? readonly Value[] : Value };

/** A Lua script with named keys and arguments. */
export interface Script<Key extends string, Arg extends string, Result> {
  readonly name: string;
  /** In the order of KEYS and ARGV; equal to the header of the Lua file (a test compares them). */
  readonly keyNames: readonly Key[];
  readonly argNames: readonly Arg[];
  /**
   * Runs it, atomically, in one slot. The keys must lie in that slot.
   * @throws BrokerError storage-unavailable when Redis does not carry it out (it may have been carried out all the
   * same if the connection was cut).
   */
  run(redis: RedisClient, keys: Values<Key, string>, args: Values<Arg, Argument>): Promise<Result>;
}

/** Binds `lua/NAME.lua` to its names and to the parser of its reply. */
export function defineScript<const Key extends string, const Arg extends string, Result>(definition: {
  name: string;
  keys: readonly Key[];
  args: readonly Arg[];
  parse: (reply: Reply) => Result;
}): Script<Key, Arg, Result> {
  const { name, keys: keyNames, args: argNames, parse } = definition;
  const source = loadLua(name);
  return {
    name,
    keyNames,
    argNames,
    async run(redis, keys, args) {
      const words: (string | Buffer)[] = [source.sha1, "0"];
      for (const key of keyNames) push(words, keys[key]);
      words[1] = String(words.length - 2);
      for (const arg of argNames) push(words, args[arg]);
      let reply: Reply;
      try {
        reply = await evaluate(redis, source, words);
      } catch (error) {
        throw new BrokerError("storage-unavailable", `Redis did not carry out ${name}`, { cause: error });
      }
      return parse(reply);
    },
  };
}

/** EVALSHA, and EVAL where the server does not know the script yet (first call, restart, failover, SCRIPT FLUSH). */
function evaluate(redis: RedisClient, source: LuaSource, words: (string | Buffer)[]): Promise<Reply> {
  const send = (command: string): Promise<Reply> =>
    redis.sendCommand(new Command(command, words, { replyEncoding: null })) as Promise<Reply>;
  return send("evalsha").catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    words[0] = source.text;
    return send("eval");
  });
}

/** Adds one value, or each of a list. */
function push(words: (string | Buffer)[], value: Argument | readonly Argument[]): void {
  if (typeof value === "string") words.push(value);
  else if (typeof value === "number") words.push(String(value));
  else if (value instanceof Uint8Array) words.push(asBuffer(value));
  else for (const one of value) push(words, one);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
