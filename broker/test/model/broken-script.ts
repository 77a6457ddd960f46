import type { RedisClient } from "../../src/index.js";
import { loadLua } from "../../src/scripts/load-lua.js";

/** A client that sends a broken script wherever the sound one would go. @throws Error if there is nothing to break. */
export function breakScript(name: string, from: string, to: string): (redis: RedisClient) => RedisClient {
  const { text, sha1 } = loadLua(name);
  if (!text.includes(from)) throw new Error(`${name} does not contain ${from}`);
  const broken = text.replaceAll(from, to);
  return (redis) =>
    new Proxy(redis, {
      get(target, property) {
        const value = Reflect.get(target, property) as unknown;
        if (property !== "sendCommand") return typeof value === "function" ? (value.bind(target) as unknown) : value;
        return (command: { name: string; args: unknown[] }) => {
          if (command.args[0] !== sha1) return target.sendCommand(command as never);
          const [, count, ...rest] = command.args as [string, string, ...string[]];
          return target.callBuffer("EVAL", broken, count, ...rest);
        };
      },
    });
}
