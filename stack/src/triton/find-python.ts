import { findOnPath } from "../redis/find-on-path.js";
import { runProgram } from "../run-program.js";

/** A Python that Triton's backend can use. */
export interface Python {
  readonly program: string;
  /** `3.11` */
  readonly version: string;
  /** Whether `python -m venv` works. */
  readonly hasVenv: boolean;
}

/** NumPy below 2 has no wheels for newer ones, and the backend answers with empty outputs from NumPy 2 on. */
const VERSIONS = ["3.11", "3.12", "3.10", "3.9"];

/** The first usable Python on PATH: `python3` if its version fits, else `python3.X`. */
export async function findPython(): Promise<Python | undefined> {
  for (const name of ["python3", ...VERSIONS.map((version) => `python${version}`)]) {
    const program = await findOnPath(name);
    if (!program) continue;
    const script = "import sys; print('%d.%d' % sys.version_info[:2])";
    const { code, output } = await runProgram(program, ["-c", script]);
    const version = output.trim();
    if (code !== 0 || !VERSIONS.includes(version)) continue;
    const venv = await runProgram(program, ["-c", "import venv, ensurepip"]);
    return { program, version, hasVenv: venv.code === 0 };
  }
  return undefined;
}
