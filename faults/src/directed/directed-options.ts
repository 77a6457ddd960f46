import { parseArgs } from "node:util";

/** What `npm run faults -- directed` was asked for. */
export interface DirectedCommand {
  /** Scenarios whose name, after their topology (`S: `), has these words; all if empty. */
  readonly words: string;
  readonly isList: boolean;
  readonly seed: string;
  readonly out: string | undefined;
}

export const DIRECTED_USAGE = `npm run faults -- directed [WORDS] [--list] [--seed X] [--out FOLDER]
  WORDS        only scenarios with these words in "TOPOLOGY: NAME"
  --list       names them, and runs none`;

/** @throws TypeError for what it does not know. */
export function parseDirectedOptions(args: readonly string[], newSeed: () => string): DirectedCommand {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { list: { type: "boolean", default: false }, seed: { type: "string" }, out: { type: "string" } },
  });
  return { words: positionals.join(" "), isList: values.list, seed: values.seed ?? newSeed(), out: values.out };
}
