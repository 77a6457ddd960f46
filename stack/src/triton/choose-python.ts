/** A Python of this machine, and what it lacks for Triton. */
export interface PythonCandidate {
  /** Path or name of the program. */
  readonly program: string;
  /** Its minor version: 11 for Python 3.11. */
  readonly minor: number;
  /** Whether `python -m venv` works (Debian keeps a part of it in a package of its own). */
  readonly hasVenv: boolean;
  /** Folder of its libpython3.X.so.1.0: "" if the loader finds it by itself, undefined if there is none. */
  readonly libraryFolder: string | undefined;
  /** Whether it belongs to the system, so that the system's packages can complete it. */
  readonly isSystem: boolean;
}

/** A Python that will do, and the Debian packages that it needs first. */
export interface ChosenPython {
  readonly python: PythonCandidate;
  readonly missingPackages: readonly string[];
}

/** Triton's Python backend brings stubs for 3.8 to 3.13; numpy below 2, which it needs, has wheels up to 3.12. */
const OLDEST_MINOR = 9;
const NEWEST_MINOR = 12;

/** Versions that will do, for people. */
export const PYTHON_VERSIONS = `3.${OLDEST_MINOR} to 3.${NEWEST_MINOR}`;

/** The first candidate that lacks nothing, else the first that the system's packages can complete, else undefined. */
export function choosePython(candidates: readonly PythonCandidate[]): ChosenPython | undefined {
  const fitting = candidates.filter(({ minor }) => minor >= OLDEST_MINOR && minor <= NEWEST_MINOR);
  const complete = fitting.find((candidate) => missingPackages(candidate).length === 0);
  const python = complete ?? fitting.find((candidate) => candidate.isSystem);
  return python === undefined ? undefined : { python, missingPackages: missingPackages(python) };
}

/** Debian's names. */
function missingPackages({ minor, hasVenv, libraryFolder }: PythonCandidate): string[] {
  return [
    ...(hasVenv ? [] : [`python3.${minor}-venv`]),
    ...(libraryFolder === undefined ? [`libpython3.${minor}`] : []),
  ];
}
