import os from "node:os";
import type { Machine } from "./bench-result.js";

/** The machine that this runs on, as it is now. */
export function describeMachine(): Machine {
  const cpus = os.cpus();
  return {
    startedAt: new Date().toISOString(),
    cpus: cpus.length,
    cpuModel: cpus[0]?.model ?? "unknown",
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
  };
}
