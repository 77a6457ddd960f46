import { parseArgs } from "node:util";

/** What the command line asks for. */
export type SluiceCommand =
  | { readonly kind: "help" }
  | { readonly kind: "config"; readonly action: ConfigAction; readonly options: CommandOptions }
  | { readonly kind: "keys"; readonly action: KeysAction; readonly options: CommandOptions }
  | { readonly kind: "lanes" | "top"; readonly options: CommandOptions };

/** What is to be done with the live settings; `key` may be `KEY` or `model.NAME.KEY`. */
export type ConfigAction =
  | { readonly name: "get" | "unset"; readonly key: string }
  | { readonly name: "set"; readonly key: string; readonly value: string }
  | { readonly name: "list" | "watch" | "log" };

/** What is to be done with API keys. */
export type KeysAction =
  | {
      readonly name: "create";
      readonly label: string;
      /** Whose its tasks are; the key is an owner of its own if absent. */
      readonly owner: string | undefined;
      /** With commas between; `submit,read` if absent. */
      readonly scopes: string | undefined;
      /** Requests a minute, instead of the setting. */
      readonly rate: string | undefined;
    }
  | { readonly name: "revoke"; readonly id: string }
  | { readonly name: "list" };

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
sluice keys create NAME [--owner OWNER] [--scopes submit,read,admin] [--rate N]
                                              makes an API key and shows it, once
sluice keys list                              every key: its id, owner, scopes, rate, when it was made and used last
sluice keys revoke ID                         opens nothing any more, within a second
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
      owner: { type: "string" },
      scopes: { type: "string" },
      rate: { type: "string" },
      all: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { redis, model, by, all, help } = values;
  const [word, ...rest] = positionals;
  const options = { redis, model, by, all };
  if (help || word === "help") return { kind: "help" };
  if (word === "config") return { kind: "config", action: parseConfigAction(rest, model), options };
  if (word === "keys") return { kind: "keys", action: parseKeysAction(rest, values), options };
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

function parseKeysAction(
  [name = "", ...words]: readonly string[],
  { owner, scopes, rate }: { readonly owner?: string; readonly scopes?: string; readonly rate?: string },
): KeysAction {
  const [word] = words;
  if (name === "list" && word === undefined) return { name };
  if (word !== undefined && words.length === 1) {
    if (name === "create") return { name, label: word, owner, scopes, rate };
    if (name === "revoke") return { name, id: word };
  }
  throw new TypeError(`there is no command keys ${[name, ...words].join(" ")}`);
}

function isConfigWord(word: string): word is keyof typeof CONFIG_WORDS {
  return Object.hasOwn(CONFIG_WORDS, word);
}
