import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { projectFolders } from "../../src/index.js";
import { findExecutable } from "../../src/process/find-executable.js";
import { runCommand } from "../../src/process/run-command.js";
import { installCommands } from "../../src/setup/install-packages.js";

/** The programs of Prometheus, or why there are none. */
export type PreparedPrometheus =
  { readonly prometheus: string; readonly promtool: string } | { readonly missing: string };

/**
 * Those on PATH, else those of Debian's package, which is fetched once and taken apart in `.sluice`: that needs no root,
 * and starts no service on this machine.
 */
export async function preparePrometheus(): Promise<PreparedPrometheus> {
  const [prometheus, promtool] = [findExecutable(["prometheus"]), findExecutable(["promtool"])];
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const folder = path.join(projectFolders.written, "prometheus");
  const unpacked = {
    prometheus: path.join(folder, "usr/bin/prometheus"),
    promtool: path.join(folder, "usr/bin/promtool"),
  };
  if (existsSync(unpacked.prometheus)) return unpacked;
  if (findExecutable(["apt-get"]) === undefined || findExecutable(["dpkg"]) === undefined) {
    return { missing: "there is no prometheus on PATH, and no apt-get to fetch it with" };
  }
  try {
    await fetchPackage(folder);
    return unpacked;
  } catch (error) {
    return { missing: `apt-get could not fetch prometheus: ${String(error)}` };
  }
}

async function fetchPackage(folder: string): Promise<void> {
  await mkdir(projectFolders.written, { recursive: true });
  const scratch = await mkdtemp(`${folder}-`);
  try {
    const download = () => runCommand("apt-get", ["download", "prometheus"], { cwd: scratch });
    await download().catch(async () => {
      // Without lists of packages nothing is known; only root may bring them.
      const [[command = "", ...args] = []] = installCommands("apt-get", [], process.getuid?.() === 0);
      await runCommand(command, args);
      await download();
    });
    const archive = (await readdir(scratch)).find((file) => file.endsWith(".deb")) ?? "";
    await runCommand("dpkg", ["-x", archive, "files"], { cwd: scratch });
    await rm(folder, { recursive: true, force: true });
    await rename(path.join(scratch, "files"), folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
