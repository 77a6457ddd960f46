import { spawn } from "node:child_process";

import { startGuard } from "./start-guard.js";

/** What a command printed. */
export interface CommandOutput {
  readonly stdout: string;
}

/**
 * Runs a command to its end without a terminal or input. It ends with this process.
 * @throws Error with the last 2,000 characters that it printed if it cannot be run or fails.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<CommandOutput> {
  const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const guard = child.pid === undefined ? undefined : startGuard(child.pid);
  let stdout = "";
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    printed = (printed + text).slice(-2000);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (printed = (printed + text).slice(-2000)));
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code ?? "?"}`}`),
    );
  });
  guard?.dismiss();
  if (failure === undefined) return { stdout };
  throw new Error(`${[command, ...args].join(" ")}: ${failure}\n${printed.trimEnd()}`);
}
