import { readdir, readFile } from "node:fs/promises";

/** What a process holds. */
export interface ProcessUsage {
  readonly descriptors: number;
  readonly residentBytes: number;
}

/** Reads `/proc/PID`; undefined where there is no such process, or no `/proc`. */
export async function readProcessUsage(pid: number): Promise<ProcessUsage | undefined> {
  try {
    const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return { descriptors, residentBytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024 };
  } catch {
    return undefined;
  }
}
