import type { World } from "./world.js";

/** One text of a module that becomes another. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A rule that is broken on purpose, to see that the specification would notice. */
export interface Mutation {
  readonly name: string;
  /** What is wrong then. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  readonly world: World;
  /** The invariant or property that does not hold any more; undefined if the rule only saves time, and all hold. */
  readonly caughtBy: string | undefined;
}

/**
 * The text of one module after the edits that are meant for it.
 * @throws Error unless each edit finds its text exactly once: then it would break nothing, or too much.
 */
export function mutateModule(mutation: Mutation, file: string, text: string): string {
  let mutated = text;
  for (const { from, to } of mutation.edits.filter((edit) => edit.file === file)) {
    const parts = mutated.split(from);
    if (parts.length !== 2) {
      throw new Error(`The mutation ${mutation.name} finds its text ${parts.length - 1} times in ${file}:\n${from}`);
    }
    mutated = parts.join(to);
  }
  return mutated;
}
