import { createProgress } from "@sluice/stack";
import { join } from "node:path";
import { prepareJar } from "./checker-jar.js";
import { findJava } from "./find-java.js";
import { mutations } from "./mutations.js";
import { parseSpecOptions, type SpecOptions, USAGE } from "./options.js";
import { runSpec } from "./run-spec.js";
import { specFolders } from "./spec-folders.js";
import { mutationsTable, worldsTable } from "./tables.js";
import { worlds } from "./worlds.js";

const MAX_THREADS = 2;

async function main(): Promise<void> {
  const options = parseSpecOptions(process.argv.slice(2));
  if (options.tables) {
    console.log(`${worldsTable(worlds)}\n\n${mutationsTable(mutations)}`);
    return;
  }
  const chosen = choose(options);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
  const progress = createProgress(process.stdout);
  const java = await findJava(process.env["JAVA_HOME"]);
  const jar = await progress.step("Model checker", () => prepareJar(join(specFolders.written, "checker")));
  const startMs = performance.now();
  const checker = { java, jar, workers: MAX_THREADS, signal: stop.signal };
  const problems = await runSpec({ checker, progress, ...chosen });
  const minutes = ((performance.now() - startMs) / 60_000).toFixed(1);
  console.log(`${chosen.worlds.length} worlds and ${chosen.mutations.length} mutations in ${minutes} minutes.`);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

/** A name chooses among its kind, and leaves the other kind out. */
function choose({ only, worlds: worldNames, mutations: mutationNames }: SpecOptions) {
  const named = worldNames.length + mutationNames.length > 0;
  const pick = <Item>(all: readonly Item[], names: readonly string[], nameOf: (item: Item) => string): Item[] => {
    for (const name of names) {
      if (!all.some((item) => nameOf(item) === name)) throw new TypeError(`there is no ${name}`);
    }
    return all.filter((item) => (named ? names.includes(nameOf(item)) : true));
  };
  return {
    worlds: only === "mutations" ? [] : pick(worlds, worldNames, ({ world }) => world.name),
    mutations: only === "worlds" ? [] : pick(mutations, mutationNames, ({ name }) => name),
  };
}

main().catch((error: unknown) => {
  if (error instanceof TypeError) console.error(`${error.message}\n${USAGE}`);
  else console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
