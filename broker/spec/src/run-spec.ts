import type { Progress } from "@sluice/stack";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Verdict } from "./checker-output.js";
import { checkWorld, type ModelChecker } from "./model-checker.js";
import { type Mutation, mutateModule } from "./mutation.js";
import { moduleFiles, specFolders } from "./spec-folders.js";
import type { CountedWorld } from "./worlds.js";

/** What is to be checked, and with what. */
export interface SpecRun {
  readonly checker: ModelChecker;
  readonly progress: Progress;
  readonly worlds: readonly CountedWorld[];
  readonly mutations: readonly Mutation[];
}

/**
 * Checks worlds and mutations one after another and says what came of each.
 * @returns a sentence for everything that is not as it should be.
 */
export async function runSpec({ checker, progress, worlds, mutations }: SpecRun): Promise<string[]> {
  const problems: string[] = [];
  const tell = (what: string, problem: string | undefined): void => {
    progress.say(`    ${what}${problem === undefined ? "" : `: ${problem}`}`);
    if (problem !== undefined) problems.push(problem);
  };
  const sources = new Map<string, string>();
  for (const file of await moduleFiles()) sources.set(file, await readFile(join(specFolders.modules, file), "utf8"));

  for (const { world, distinctStates } of worlds) {
    const folder = join(specFolders.written, "worlds", world.name);
    const verdict = await progress.step(`World ${world.name}`, () => checkWorld(checker, world, sources, folder));
    tell(`${formatCount(verdict.distinctStates)} states`, problemOfWorld(verdict, { world, distinctStates }));
  }
  // One thread finds the shortest trace, and always the same.
  const alone = { ...checker, workers: 1 };
  for (const mutation of mutations) {
    const mutated = new Map([...sources].map(([file, text]) => [file, mutateModule(mutation, file, text)]));
    const folder = join(specFolders.written, "mutations", mutation.name);
    const verdict = await progress.step(`Mutation ${mutation.name}`, () =>
      checkWorld(alone, mutation.world, mutated, folder),
    );
    const caught = verdict.violated === undefined ? "nothing" : `${verdict.violated} in ${verdict.traceLength} states`;
    tell(`caught by ${caught}`, problemOfMutation(verdict, mutation));
  }
  return problems;
}

function problemOfWorld(verdict: Verdict, { world, distinctStates }: CountedWorld): string | undefined {
  if (verdict.violated !== undefined) {
    const trace = join(specFolders.written, "worlds", world.name, "output.txt");
    return `In the world ${world.name}, ${verdict.violated} does not hold: the trace is in ${trace}.`;
  }
  if (verdict.distinctStates === distinctStates) return undefined;
  return (
    `The world ${world.name} has ${formatCount(verdict.distinctStates)} states and not ${formatCount(distinctStates)}: ` +
    "if the specification was meant to change, write the new number into worlds.ts."
  );
}

function problemOfMutation(verdict: Verdict, { name, caughtBy }: Mutation): string | undefined {
  if (verdict.violated === caughtBy) return undefined;
  return `The mutation ${name} should be caught by ${caughtBy ?? "nothing"}, not by ${verdict.violated ?? "nothing"}.`;
}

function formatCount(count: number): string {
  return count.toLocaleString("en-GB");
}
