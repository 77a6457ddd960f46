import { findExecutable } from "../process/find-executable.js";
import { runCommand } from "../process/run-command.js";

/** Package managers that we know how to ask, in order of preference. */
export type PackageManager = "apt-get" | "dnf" | "apk" | "brew";

const MANAGERS: readonly PackageManager[] = ["apt-get", "dnf", "apk", "brew"];

/** The package manager of this machine, if it has one that we know. */
export function findPackageManager(): PackageManager | undefined {
  return MANAGERS.find((manager) => findExecutable([manager]) !== undefined);
}

/** The commands that install `packages`, one after the other, without a question. */
export function installCommands(manager: PackageManager, packages: readonly string[], isRoot: boolean): string[][] {
  // Homebrew refuses root; sudo -n fails instead of asking for a password.
  const sudo = isRoot || manager === "brew" ? [] : ["sudo", "-n"];
  switch (manager) {
    case "apt-get":
      return [
        [...sudo, "apt-get", "update"],
        // The variable stands in the command, for sudo does not pass the environment on.
        [
          ...sudo,
          "env",
          "DEBIAN_FRONTEND=noninteractive",
          "apt-get",
          "install",
          "-y",
          "--no-install-recommends",
          ...packages,
        ],
      ];
    case "dnf":
      return [[...sudo, "dnf", "install", "-y", ...packages]];
    case "apk":
      return [[...sudo, "apk", "add", "--no-cache", ...packages]];
    case "brew":
      return [["brew", "install", ...packages]];
  }
}

/**
 * Installs packages with the machine's package manager.
 * @throws Error with what the package manager printed last if it cannot.
 */
export async function installPackages(manager: PackageManager, packages: readonly string[]): Promise<void> {
  const commands = installCommands(manager, packages, process.getuid?.() === 0);
  for (const [index, [command = "", ...args]] of commands.entries()) {
    try {
      await runCommand(command, args);
    } catch (error) {
      // A list of packages that cannot be renewed may still be good enough.
      if (index === commands.length - 1) throw error;
    }
  }
}
