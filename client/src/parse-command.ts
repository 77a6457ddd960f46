import { parseArgs } from "node:util";

/** What the command line asks for. */
export type SluiceCommand =
  | { readonly kind: "help" }
  | { readonly kind: "config"; readonly action: ConfigAction; readonly options: CommandOptions }
  | { readonly kind: "lanes" | "top"; readonly options: CommandOptions };

/** What is to be done with the live settings; `key` may be `KEY` or `model.NAME.KEY`. */
export type ConfigAction =
  | { readonly name: "get" | "unset"; readonly key: string }
  | { readonly name: "set"; readonly key: string; readonly value: string }
  | { readonly name: "list" | "watch" | "log" };

/** What holds for every command. */
export interface CommandOptions {
  readonly redis: string | undefined;
  /** One model instead of all. */
  readonly model: string | undefined;
  /** Who changes a setting, for the log; the user of this machine if absent. */
  readonly by: string | undefined;
  /** Quiet lanes too. */
  readonly all: boolean;
}

/** How it is used, a line for each command. */
export const USAGE = `sluice config list [--model NAME]             every live setting: what holds, what is written, what is refused
sluice config get KEY [--model NAME]          the value that holds
sluice config set KEY VALUE [--model NAME]    checks it, writes it, and shows what it was
sluice config unset KEY [--model NAME]        the default, or the value of all models, holds again
sluice config watch                           prints changes as they come
sluice config log                             the latest changes that were made by this command
sluice lanes [--all]                          depth, rate, learned times, batch sizes, credits and reasons of each lane
sluice top [--all]                            the same, every second; q ends it
  --model NAME   for one model; KEY may also be written model.NAME.KEY
  --by WHO       who changes it, for the log
  --redis URL    instead of REDIS_URL (redis://127.0.0.1:6379)
`;

const CONFIG_WORDS = { get: 1, set: 2, unset: 1, list: 0, watch: 0, log: 0 } as const;

/** @throws TypeError with a sentence for a person. */
export function parseCommand(args: readonly string[]): SluiceCommand {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      redis: { type: "string" },
      model: { type: "string" },
      by: { type: "string" },
      all: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { redis, model, by, all, help } = values;
  const [word, ...rest] = positionals;
  const options = { redis, model, by, all };
  if (help || word === "help") return { kind: "help" };
  if (word === "config") return { kind: "config", action: parseConfigAction(rest, model), options };
  if ((word === "lanes" || word === "top") && rest.length === 0) return { kind: word, options };
  throw new TypeError(`there is no command ${positionals.join(" ") || "without a name"}`);
}

function parseConfigAction([name = "", ...words]: readonly string[], model: string | undefined): ConfigAction {
  if (!isConfigWord(name) || words.length !== CONFIG_WORDS[name]) {
    throw new TypeError(`there is no command config ${[name, ...words].join(" ")}`);
  }
  const [key = "", value = ""] = words;
  const field = model === undefined ? key : `model.${model}.${key}`;
  if (name === "set") return { name, key: field, value };
  return name === "get" || name === "unset" ? { name, key: field } : { name };
}

function isConfigWord(word: string): word is keyof typeof CONFIG_WORDS {
  return Object.hasOwn(CONFIG_WORDS, word);
}
