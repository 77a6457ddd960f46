import { findOnPath } from "./redis/find-on-path.js";
import { mustRun } from "./run-program.js";

/** How one package manager installs without asking. */
interface PackageManager {
  readonly program: string;
  readonly refresh?: readonly string[];
  readonly install: readonly string[];
}

const MANAGERS: readonly PackageManager[] = [
  {
    program: "apt-get",
    refresh: ["update", "-qq"],
    install: ["install", "-y", "-qq", "--no-install-recommends"],
  },
  { program: "dnf", install: ["install", "-y", "-q"] },
  { program: "apk", install: ["add", "--quiet"] },
  { program: "brew", install: ["install", "--quiet"] },
];

/** The package manager of this machine and how to run it, if there is one that we may use. */
export async function findPackageManager(): Promise<"apt-get" | "dnf" | "apk" | "brew" | undefined> {
  for (const { program } of MANAGERS) {
    if (await findOnPath(program)) return program as "apt-get" | "dnf" | "apk" | "brew";
  }
  return undefined;
}

/**
 * Installs packages of the system, through `sudo -n` unless this is root.
 * @throws Error with one sentence that says what to install by hand.
 */
export async function installPackages(names: readonly string[]): Promise<void> {
  const found = await findPackageManager();
  const manager = MANAGERS.find(({ program }) => program === found);
  const byHand = `Please install ${names.join(" and ")} and start again.`;
  if (!manager) throw new Error(`No package manager was found. ${byHand}`);
  const sudo = process.getuid?.() !== 0 && manager.program !== "brew";
  if (sudo && !(await findOnPath("sudo"))) throw new Error(`Installing packages needs root. ${byHand}`);
  const run = async (args: readonly string[]) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await mustRun(sudo ? "sudo" : manager.program, sudo ? ["-n", manager.program, ...args] : args, env);
  };
  try {
    if (manager.refresh) await run(manager.refresh);
    await run([...manager.install, ...names]);
  } catch (error) {
    throw new Error(`${manager.program} could not install it. ${byHand}`, { cause: error });
  }
}
