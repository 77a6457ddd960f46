import { spawn } from "node:child_process";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCheckerOutput, type Verdict } from "./checker-output.js";
import { type World, worldConfig } from "./world.js";

/** What runs TLC. */
export interface ModelChecker {
  /** The program `java`. */
  readonly java: string;
  /** `tla2tools.jar` */
  readonly jar: string;
  /** States are looked at by so many threads; the first violation is the shortest with one alone. */
  readonly workers: number;
  /** Ends the run. */
  readonly signal: AbortSignal;
}

/** Enough for the largest world; TLC keeps its queue on disk. */
const HEAP = "-Xmx3g";

/**
 * Checks one world, in a folder of its own that is made anew.
 * @param modules texts by file name.
 * @returns what TLC found; its whole output is in the folder as `output.txt`.
 * @throws Error if TLC cannot be run, or fails otherwise than by finding a violation.
 */
export async function checkWorld(
  checker: ModelChecker,
  world: World,
  modules: ReadonlyMap<string, string>,
  folder: string,
): Promise<Verdict> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [fileName, text] of modules) await writeFile(join(folder, fileName), text);
  await writeFile(join(folder, "world.cfg"), worldConfig(world));
  const output = await runTlc(checker, `${world.module}.tla`, folder);
  await rm(join(folder, "states"), { recursive: true, force: true });
  checker.signal.throwIfAborted();
  const verdict = parseCheckerOutput(output);
  if (verdict) return verdict;
  throw new Error(`TLC failed in the world ${world.name}:\n${output.slice(-2_000)}`);
}

/** What it prints goes into a file, so that a long run can be watched. */
async function runTlc({ java, jar, workers, signal }: ModelChecker, module: string, folder: string): Promise<string> {
  // -deadlock: a world in which all work is done stands still, and that is no error.
  const tlc = ["-deadlock", "-workers", String(workers), "-lncheck", "final", "-metadir", "states"];
  const args = ["-XX:+UseParallelGC", HEAP, `-Djava.io.tmpdir=${folder}`, "-cp", jar, "tlc2.TLC", ...tlc];
  const path = join(folder, "output.txt");
  const output = await open(path, "w");
  try {
    const stdio = ["ignore", output.fd, output.fd] as const;
    const child = spawn(java, [...args, "-config", "world.cfg", module], { cwd: folder, stdio: [...stdio], signal });
    // A program that cannot be started has no end.
    await new Promise<void>((resolve) => child.once("error", () => resolve()).once("close", () => resolve()));
  } finally {
    await output.close();
  }
  return await readFile(path, "utf8");
}
