import type { DirectRun } from "../bench-result.js";
import { runMeasuredChild } from "../process/measured-child.js";
import { cpuPerTask, type CpuReading, readCpu, type WatchedProcess } from "./process-cpu.js";
import type { TaskSummary } from "./task-times.js";

/** What is counted. */
export interface DirectMeasure {
  readonly processes: readonly WatchedProcess[];
  /** Rows of one call. */
  readonly piecesPerCall: number;
}

/** Lets a script work for itself and counts its CPU, as `client`, and that of others. */
export async function measureDirect<Plan extends object, Report extends TaskSummary>(
  script: URL,
  plan: Plan,
  { processes, piecesPerCall }: DirectMeasure,
): Promise<{ readonly report: Report; readonly run: Omit<DirectRun, "inFlight" | "wrong"> }> {
  const cpu: CpuReading[] = [];
  const read = (pid: number): void => void cpu.push(readCpu([{ name: "client", pid }, ...processes]));
  const report = await runMeasuredChild<Plan, Report>(script, plan, { onOpen: read, onClose: read });
  const [opened, closed] = cpu;
  const { perS, p50Ms, p99Ms, answered } = report;
  const cpuUs = cpuPerTask(opened ?? {}, closed ?? {}, answered * piecesPerCall);
  return { report, run: { perS: perS * piecesPerCall, p50Ms, p99Ms, cpuUs } };
}
