import { parseArgs } from "node:util";

/** What can be measured, in the order in which it is. */
export const PARTS = [
  "generator",
  "http",
  "triton",
  "tensors",
  "durability",
  "text",
  "overload",
  "replay",
  "pictures",
] as const;
/** A part of the bench. */
export type Part = (typeof PARTS)[number];

const MODES = ["fixed", "adaptive"] as const;
/** The values of `batch.mode`. */
export type BatchMode = (typeof MODES)[number];

/** What the command line says. */
export interface BenchOptions {
  /** Short windows and few loads, every answer checked: enough to see that all of it works. */
  readonly quick: boolean;
  readonly parts: readonly Part[];
  /** Whether CPU profiles of the roles are taken, which costs them some time. */
  readonly profile: boolean;
  /** How batches are formed for texts; as the defaults say if absent. */
  readonly mode?: BatchMode;
  /** Where the JSON goes; the default place if absent. */
  readonly out?: string;
}

/** One line for each option. */
export const USAGE = `npm run bench -- [--quick] [--only PART]... [--mode MODE] [--profile] [--out FILE]
  --quick      short windows and few loads, every answer checked
  --only PART  one of ${PARTS.join(", ")}; may be given several times
  --mode MODE  how batches are formed for texts: ${MODES.join(" or ")}; as the defaults say if it is not given
  --profile    also write CPU profiles of the roles (for Chrome's developer tools)
  --out FILE   where the figures go as JSON`;

/** @throws TypeError with a sentence for a person. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      profile: { type: "boolean", default: false },
      mode: { type: "string" },
      out: { type: "string" },
    },
  });
  const wanted = values.only.map(parsePart);
  const parts = PARTS.filter((part) => wanted.length === 0 || wanted.includes(part));
  const { quick, profile, mode, out } = values;
  return {
    ...{ quick, parts, profile },
    ...(mode === undefined ? {} : { mode: parseMode(mode) }),
    ...(out === undefined ? {} : { out }),
  };
}

function parseMode(name: string): BatchMode {
  const mode = MODES.find((candidate) => candidate === name);
  if (mode === undefined) throw new TypeError(`--mode takes ${MODES.join(" or ")}, not ${name}`);
  return mode;
}

function parsePart(name: string): Part {
  const part = PARTS.find((candidate) => candidate === name);
  if (part === undefined) throw new TypeError(`--only takes one of ${PARTS.join(", ")}, not ${name}`);
  return part;
}
