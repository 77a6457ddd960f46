import { type ChildProcess, fork } from "node:child_process";

/** What a child tells its parent: its window opens, closes, and what it has seen. */
export type ChildMessage<Report> =
  { readonly kind: "open" } | { readonly kind: "close" } | { readonly kind: "report"; readonly report: Report };

/** Called by the parent when the child's window opens and closes, to take readings of its own. */
export interface WindowHooks {
  onOpen?(pid: number): void;
  onClose?(pid: number): void;
}

/**
 * Runs `script` in a process of its own, so that its CPU is counted apart and its event loop is its own, and resolves
 * with its report. `plan` is the first message that it gets.
 * @param script a module of this package that calls `reportToParent`.
 * @throws Error if it exits without a report.
 */
export async function runMeasuredChild<Plan extends object, Report>(
  script: URL,
  plan: Plan,
  hooks: WindowHooks = {},
): Promise<Report> {
  // JSON would turn NaN, a latency of nothing, into null.
  const child = fork(script, { serialization: "advanced" });
  const pid = child.pid ?? 0;
  try {
    const report = reportOf<Report>(child, {
      onOpen: () => hooks.onOpen?.(pid),
      onClose: () => hooks.onClose?.(pid),
    });
    child.send(plan);
    return await report;
  } finally {
    child.kill("SIGKILL");
  }
}

function reportOf<Report>(child: ChildProcess, hooks: { onOpen(): void; onClose(): void }): Promise<Report> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`${child.spawnargs[1] ?? "a child"} ended without a report (${signal ?? code})`)),
    );
    child.on("message", (message: ChildMessage<Report>) => {
      try {
        if (message.kind === "open") hooks.onOpen();
        else if (message.kind === "close") hooks.onClose();
        else resolve(message.report);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
