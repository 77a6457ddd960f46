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
  /** Its command line. */
  readonly args?: readonly string[];
  /** The folder that holds `ROLE/dist/main.js`; this checkout if absent. */
  readonly root?: string;
  /** Longest time until it must be ready, in ms. @defaultValue 30,000 */
  readonly readyMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Flags of Node for a role, by CPU time for each task (2 KB texts, 256 clients that wait, batches of 64, 2 cores).
 * api: keeps some hundred requests of 14 KB open for about 100 ms each; with V8's 16 MB they outlive two collections of
 * young objects and are copied into the old space: 160 us a task instead of 129. It costs up to 32 MB of memory.
 * gpu-worker: each batch makes half a megabyte of buffers, which V8 takes for a reason to mark its whole heap every
 * 0.35 s, on four threads: 76 to 140 us a task instead of 66 to 73.
 */
const NODE_FLAGS: Partial<Record<Role, readonly string[]>> = {
  api: ["--max-semi-space-size=32"],
  "gpu-worker": ["--single-threaded-gc", "--initial-old-space-size=256"],
};

/**
 * Starts a built role (`ROLE/dist/main.js`) and waits until its `/healthz/ready` says 200.
 * @throws Error with the end of its log if it does not.
 */
export async function launchRole(launch: RoleLaunch): Promise<RunningProcess> {
  const { name, role, env, logFile, args = [], root = projectFolders.root, readyMs = 30_000, signal } = launch;
  const running = await startProcess({
    name,
    command: process.execPath,
    args: [...(NODE_FLAGS[role] ?? []), join(root, role, "dist", "main.js"), ...args],
    env,
    cwd: root,
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
