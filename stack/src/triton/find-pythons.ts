import { existsSync, realpathSync } from "node:fs";

import { findExecutable } from "../process/find-executable.js";
import { runCommand } from "../process/run-command.js";
import type { PythonCandidate } from "./choose-python.js";

/** The default one first: it is the one that people expect. */
const PROGRAMS = ["python3", "/usr/bin/python3", "python3.12", "python3.11", "python3.10", "python3.9"] as const;

/** Prints one line of JSON. The stub of Triton's Python backend loads libpython3.X.so.1.0, so we try the same. */
const QUESTIONS = `
import ctypes, importlib.util, json, os, sys, sysconfig
name = "libpython3.%d.so.1.0" % sys.version_info[1]
def loads(path):
    try:
        ctypes.CDLL(path)
        return True
    except OSError:
        return False
folder = sysconfig.get_config_var("LIBDIR") or ""
print(json.dumps({
    "minor": sys.version_info[1],
    "hasVenv": all(importlib.util.find_spec(part) for part in ("venv", "ensurepip")),
    "libraryFolder": "" if loads(name) else folder if loads(os.path.join(folder, name)) else None,
}))
`;

/** Every Python 3 of this machine that answers, the preferred one first. */
export async function findPythons(): Promise<PythonCandidate[]> {
  const programs = PROGRAMS.flatMap((name) => (name.startsWith("/") ? [name] : (findExecutable([name]) ?? [])));
  const found = new Map(programs.filter(existsSync).map((program) => [realpathSync(program), program]));
  const asked = await Promise.all([...found].map(([file, program]) => askPython(program, file)));
  return asked.filter((candidate) => candidate !== undefined);
}

async function askPython(program: string, file: string): Promise<PythonCandidate | undefined> {
  try {
    const { stdout } = await runCommand(program, ["-c", QUESTIONS]);
    const answers = JSON.parse(stdout) as Pick<PythonCandidate, "minor" | "hasVenv"> & { libraryFolder: string | null };
    return {
      ...answers,
      program,
      libraryFolder: answers.libraryFolder ?? undefined,
      isSystem: file.startsWith("/usr/bin/"),
    };
  } catch {
    // A Python that cannot answer cannot run Triton either.
    return undefined;
  }
}
