import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { runCommand } from "../process/run-command.js";
import { withFileLock } from "../process/with-file-lock.js";
import { type Progress, silentProgress } from "../progress.js";
import { projectFolders } from "../project-folders.js";
import { findPackageManager, installPackages } from "../setup/install-packages.js";
import { SetupError } from "../setup/setup-error.js";
import { checkKnownAnswer } from "./check-known-answer.js";
import { choosePython, type PythonCandidate, PYTHON_VERSIONS } from "./choose-python.js";
import { findPythons } from "./find-pythons.js";
import { currentPlatform, OTHER_WAYS_TO_TRITON, whyTritonCannotRun } from "./platform-support.js";

/** The same file from src/ and from dist/. */
const REQUIREMENTS = fileURLToPath(new URL("../../triton/requirements.txt", import.meta.url));

/** Raise it when what lies in the folder changes in a way that the requirements do not show. */
const LAYOUT = 1;

/** Where a tritonserver lies that was set up. */
export interface TritonInstallation {
  readonly program: string;
  /** For --backend-directory. */
  readonly backends: string;
  /** The Python of its virtual environment, which has what requirements.txt lists. */
  readonly python: string;
  /** Folder of the programs of that environment: first on PATH, or the backend finds another Python's packages. */
  readonly programFolder: string;
  /** For LD_LIBRARY_PATH. */
  readonly libraryFolders: readonly string[];
}

/**
 * Sets up the real tritonserver from the Python package index: downloads about 90 MB once, and returns at once when that
 * was done before. Several processes may call it at the same time. It is done only when a model has given a known answer.
 * @param folder gets everything; the one that all parts of the project use if absent.
 * @throws SetupError if this machine cannot run it; Error with the end of what a step printed if that step fails.
 */
export async function prepareTriton(
  folder = projectFolders.triton,
  progress: Progress = silentProgress,
): Promise<TritonInstallation> {
  const reason = whyTritonCannotRun(currentPlatform());
  if (reason !== undefined) throw new SetupError(reason);
  const fingerprint = createHash("sha256")
    .update(`${LAYOUT} ${folder} `)
    .update(await readFile(REQUIREMENTS))
    .digest("hex");
  const found = await findInstallation(folder, fingerprint);
  if (found !== undefined) return found;
  return withFileLock(`${folder}.lock`, async () => {
    // Another process may have done it while we waited for the lock.
    const foundNow = await findInstallation(folder, fingerprint);
    if (foundNow !== undefined) return foundNow;
    const python = await findPython(progress);
    const installation = await progress.step("Installing NVIDIA Triton (about 90 MB)", () => install(folder, python));
    await progress.step("Checking that Triton gives a known answer", () => checkKnownAnswer(installation));
    await writeFile(markerOf(folder), JSON.stringify({ fingerprint, installation }));
    return installation;
  });
}

/** Written last: what it describes is whole. */
function markerOf(folder: string): string {
  return join(folder, "installed.json");
}

async function findInstallation(folder: string, fingerprint: string): Promise<TritonInstallation | undefined> {
  if (!existsSync(markerOf(folder))) return undefined;
  const marker = JSON.parse(await readFile(markerOf(folder), "utf8")) as {
    fingerprint: string;
    installation: TritonInstallation;
  };
  const { python, program } = marker.installation;
  // The Python is a link to one of the system, which may be gone after an upgrade.
  return marker.fingerprint === fingerprint && existsSync(python) && existsSync(program)
    ? marker.installation
    : undefined;
}

async function findPython(progress: Progress): Promise<PythonCandidate> {
  const chosen = choosePython(await findPythons());
  const otherwise = `or ${OTHER_WAYS_TO_TRITON}`;
  if (chosen === undefined) {
    throw new SetupError(`Triton needs a Python ${PYTHON_VERSIONS} with its libpython: install one, ${otherwise}.`);
  }
  if (chosen.missingPackages.length === 0) return chosen.python;
  const packages = chosen.missingPackages.join(" and ");
  const advice = `Triton needs ${packages} for ${chosen.python.program}: install them, ${otherwise}.`;
  if (findPackageManager() !== "apt-get") throw new SetupError(advice);
  await progress.step(`Installing ${packages}`, async () => {
    await installPackages("apt-get", chosen.missingPackages).catch((cause: unknown) => {
      throw new SetupError(`${advice} (${String(cause)})`, { cause });
    });
  });
  const completed = choosePython(await findPythons());
  if (completed === undefined || completed.missingPackages.length > 0) throw new SetupError(advice);
  return completed.python;
}

async function install(folder: string, python: PythonCandidate): Promise<TritonInstallation> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const venv = join(folder, "venv");
  await runCommand(python.program, ["-m", "venv", venv]);
  const programFolder = join(venv, "bin");
  const venvPython = join(programFolder, "python");
  const pip = [
    "-m",
    "pip",
    "install",
    "--no-deps",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar",
    "off",
  ];
  await runCommand(venvPython, [...pip, "-r", REQUIREMENTS]);

  const packages = join(venv, "lib", `python3.${python.minor}`, "site-packages");
  const server = join(packages, "pytriton", "tritonserver");
  const backends = join(folder, "backends");
  await cp(join(server, "backends"), backends, { recursive: true });
  const stub = "triton_python_backend_stub";
  const version = `3.${python.minor}`;
  await cp(join(server, "python_backend_stubs", version, stub), join(backends, "python", stub));
  const { libraryFolder = "" } = python;
  return {
    program: join(server, "bin", "tritonserver"),
    backends,
    python: venvPython,
    programFolder,
    libraryFolders: [join(packages, "nvidia_pytriton.libs"), ...(libraryFolder === "" ? [] : [libraryFolder])],
  };
}
