import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** What TLC needs. */
const MIN_JAVA = 11;

const run = promisify(execFile);

/**
 * A Java that can run TLC: that of JAVA_HOME, or the one on the path.
 * @throws Error with a sentence for a person.
 */
export async function findJava(javaHome: string | undefined): Promise<string> {
  const java = javaHome === undefined ? "java" : join(javaHome, "bin", "java");
  let told: string;
  try {
    // It answers on stderr.
    told = (await run(java, ["-version"])).stderr;
  } catch (cause) {
    throw new Error(`The model checker needs Java ${MIN_JAVA} or later, and there is none.`, { cause });
  }
  const version = javaVersion(told);
  if (version >= MIN_JAVA) return java;
  throw new Error(`The model checker needs Java ${MIN_JAVA} or later, and this is Java ${version}.`);
}

/** The major version in what `java -version` says: 17 of `"17.0.15"`, 8 of `"1.8.0_292"`; 0 if it says none. */
export function javaVersion(told: string): number {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(told) ?? [];
  return Number((first === "1" ? second : first) ?? 0);
}
