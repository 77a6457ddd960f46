import { join } from "node:path";

import { type RunningProcess, startProcess } from "../process/start-process.js";
import { waitUntilReady } from "../process/wait-until-ready.js";
import { projectFolders } from "../project-folders.js";
import { type Role, roleUrl } from "./role.js";

/** How to run one process of a role. */
export interface RoleLaunch {
  /** `api`, `api-2`. */
  readonly name: string;
  readonly role: Role;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Longest time until it must be ready, in ms. @defaultValue 30,000 */
  readonly readyMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Flags of Node for a role. The api keeps some hundred requests of 14 KB open for about 100 ms each; with V8's 16 MB they
 * outlive two collections of young objects and are copied into the old space: 160 us CPU a task instead of 129
 * (256 clients that wait, 2 cores). It costs up to 32 MB of memory.
 */
const NODE_FLAGS: Partial<Record<Role, readonly string[]>> = { api: ["--max-semi-space-size=32"] };

/**
 * Starts a built role (`ROLE/dist/main.js`) and waits until its `/healthz/ready` says 200.
 * @throws Error with the end of its log if it does not.
 */
export async function launchRole(launch: RoleLaunch): Promise<RunningProcess> {
  const { name, role, env, logFile, readyMs = 30_000, signal } = launch;
  const running = await startProcess({
    name,
    command: process.execPath,
    args: [...(NODE_FLAGS[role] ?? []), join(projectFolders.root, role, "dist", "main.js")],
    env,
    cwd: projectFolders.root,
    logFile,
  });
  const url = `${roleUrl(role, env)}/healthz/ready`;
  await waitUntilReady(running, {
    isReady: async () => (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok,
    timeoutMs: readyMs,
    signal,
  });
  return running;
}
