import { parseArgs } from "node:util";

/** What the command line says. */
export interface SpecOptions {
  readonly only: "worlds" | "mutations" | undefined;
  /** Names; all if empty. */
  readonly worlds: readonly string[];
  readonly mutations: readonly string[];
  /** Whether the tables of README.md are printed, and nothing is checked. */
  readonly tables: boolean;
}

/** One line for each option. */
export const USAGE = `npm run spec -- [--only worlds|mutations] [--world NAME]... [--mutation NAME]... [--tables]
  --only           only the worlds, or only the mutations
  --world NAME     only this world; may be given several times
  --mutation NAME  only this mutation; may be given several times
  --tables         print the tables of broker/spec/README.md and check nothing`;

/** @throws TypeError with a sentence for a person. */
export function parseSpecOptions(args: readonly string[]): SpecOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      world: { type: "string", multiple: true, default: [] },
      mutation: { type: "string", multiple: true, default: [] },
      tables: { type: "boolean", default: false },
    },
  });
  const { only, world, mutation, tables } = values;
  if (only !== undefined && only !== "worlds" && only !== "mutations") {
    throw new TypeError(`--only takes worlds or mutations, not ${only}`);
  }
  return { only, worlds: world, mutations: mutation, tables };
}
