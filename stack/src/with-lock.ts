import { open, readFile, rm } from "node:fs/promises";

/** How often a waiting process looks whether the lock is free. */
const LOOK_MS = 200;

/** Runs `action` while no other process holds the lock file. The lock of a process that died is taken over. */
export async function withLock<T>(file: string, action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const handle = await open(file, "wx");
      await handle.writeFile(String(process.pid));
      await handle.close();
      break;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      const holder = Number(await readFile(file, "utf8").catch(() => ""));
      if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  try {
    return await action();
  } finally {
    await rm(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
