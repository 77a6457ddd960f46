import { spawn } from "node:child_process";
import { Socket } from "node:net";

/**
 * Its stdin is a pipe that only we hold open, and the kernel closes it however we end. $1: the process group.
 * Then: SIGTERM to the group, SIGKILL to what is left after 8 s (Triton takes 3 to 5).
 */
const SCRIPT = `
read -r _
kill -s TERM -- "-$1" || exit 0
i=0
while [ $i -lt 80 ] && kill -s 0 -- "-$1"; do sleep 0.1; i=$((i + 1)); done
kill -s KILL -- "-$1"
`;

/** Stops a process group when this process is gone, even by SIGKILL, until it is dismissed. */
export interface Guard {
  /** To be called when the group has ended: its number may be given to others. */
  dismiss(): void;
}

/** Starts a shell (about 1 MB, asleep) that waits for our end and then stops the process group `groupId`. */
export function startGuard(groupId: number): Guard {
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "sluice-guard", String(groupId)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Without a shell, and when it is gone: the process is stopped in the usual ways only.
  shell.on("error", () => undefined);
  shell.stdin.on("error", () => undefined);
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return { dismiss: () => void shell.kill("SIGKILL") };
}
