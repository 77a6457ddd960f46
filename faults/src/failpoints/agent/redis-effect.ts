import { createHash } from "node:crypto";

/** A word of a command, as ioredis has it. */
export type CommandWord = string | number | Buffer;

/** Commands that are told apart by their first argument only. */
const CONTAINERS: readonly string[] = [
  "CLIENT",
  "CLUSTER",
  "COMMAND",
  "CONFIG",
  "SCRIPT",
  "SENTINEL",
  "XGROUP",
  "XINFO",
];

/**
 * What a command to Redis is called: a script by the name of its file (`settle`), whether it is called by its hash or,
 * where the server did not know that, sent again as a text; others by their names (`XREADGROUP`, `CONFIG-GET`). Who reads
 * what is pending for itself does `XREADGROUP-pending`.
 * @param scripts names of scripts by their SHA-1.
 */
export function redisEffect(name: string, args: readonly CommandWord[], scripts: ReadonlyMap<string, string>): string {
  const command = name.toUpperCase();
  if (command === "EVALSHA") return scripts.get(textOf(args[0])) ?? command;
  if (command === "EVAL") return scripts.get(sha1Of(textOf(args[0]))) ?? command;
  if (command === "XREADGROUP") return textOf(args.at(-1)) === ">" ? command : `${command}-pending`;
  return CONTAINERS.includes(command) && args.length > 0 ? `${command}-${textOf(args[0]).toUpperCase()}` : command;
}

function sha1Of(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

function textOf(word: CommandWord | undefined): string {
  return Buffer.isBuffer(word) ? word.toString("utf8") : String(word ?? "");
}
