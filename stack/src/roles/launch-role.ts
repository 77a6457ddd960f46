import { join } from "node:path";

import { type RunningProcess, startProcess } from "../process/start-process.js";
import { waitUntilReady } from "../process/wait-until-ready.js";
import { projectFolders } from "../project-folders.js";
import { PORT_VARIABLE, type Role } from "./role.js";

/** How to run one process of a role. */
export interface RoleLaunch {
  /** `api`, `api-2`. */
  readonly name: string;
  readonly role: Role;
  /** Where it answers HTTP. */
  readonly port: number;
  /** Beside our own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly signal?: AbortSignal;
}

/**
 * Starts a built role (`ROLE/dist/main.js`) and waits until its `/healthz/ready` says 200 (at most 30 s).
 * @throws Error with the end of its log if it does not.
 */
export async function launchRole(launch: RoleLaunch): Promise<RunningProcess> {
  const running = await startProcess({
    name: launch.name,
    command: process.execPath,
    args: [join(projectFolders.root, launch.role, "dist", "main.js")],
    env: { ...process.env, ...launch.env, [PORT_VARIABLE[launch.role]]: String(launch.port) },
    cwd: projectFolders.root,
    logFile: launch.logFile,
  });
  const url = `http://127.0.0.1:${launch.port}/healthz/ready`;
  await waitUntilReady(running, {
    isReady: async () => (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok,
    timeoutMs: 30_000,
    signal: launch.signal,
  });
  return running;
}
