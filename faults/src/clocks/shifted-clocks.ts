import { execFile } from "node:child_process";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL("../../src/clocks/shifted-clock.c", import.meta.url));

/** Clocks of the day that can jump, one for each process. */
export interface ShiftedClocks {
  /** The variables under which a process has the clock of this name. */
  readonly envOf: (name: string) => Readonly<Record<string, string>>;
  /** From now on this clock is so many seconds ahead of this machine's, or behind it. */
  shift(name: string, seconds: number): Promise<void>;
}

/** Why there can be none here; undefined if there can. */
export async function lacksShiftedClocks(): Promise<string | undefined> {
  if (process.platform !== "linux") return "clocks can be shifted on Linux only";
  return run("cc", ["--version"]).then(
    () => undefined,
    () => "there is no C compiler to shift clocks with (on Debian: apt-get install gcc libc6-dev)",
  );
}

/**
 * Makes a clock for each name, as this machine's.
 * @param dir gets what they consist of. @throws Error if their library cannot be made.
 */
export async function createShiftedClocks(dir: string, names: readonly string[]): Promise<ShiftedClocks> {
  const library = join(dir, "shifted-clock.so");
  await mkdir(dir, { recursive: true });
  await run("cc", ["-shared", "-fPIC", "-O2", "-o", library, SOURCE]);
  const fileOf = (name: string): string => join(dir, `${name}.shift`);
  await Promise.all(names.map((name) => writeFile(fileOf(name), Buffer.alloc(8))));
  return {
    envOf: (name) => ({ LD_PRELOAD: library, CLOCK_SHIFT_FILE: fileOf(name) }),
    async shift(name, seconds) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(seconds));
      // In place: whoever has mapped the file sees it.
      const file = await open(fileOf(name), "r+");
      await file.write(bytes, 0, bytes.length, 0);
      await file.close();
    },
  };
}
