import { availableParallelism } from "node:os";
import { cpuPerTask, type CpuReading, readCpu, readMachineCpu, type WatchedProcess } from "./process-cpu.js";

/** Microseconds of CPU used until a moment. */
export interface CpuUsage {
  readonly atMs: number;
  readonly processes: CpuReading;
  readonly machineUs: number;
}

/** What the processes and the whole machine have used until now. @throws Error if one of them has ended */
export function readUsage(watched: readonly WatchedProcess[]): CpuUsage {
  return { atMs: performance.now(), processes: readCpu(watched), machineUs: readMachineCpu() };
}

/** Part of the machine's CPU, 0..1, that went to processes which are not watched between two readings. */
export function othersShare(opened: CpuUsage, closed: CpuUsage): number {
  const ours = Object.values(cpuPerTask(opened.processes, closed.processes, 1)).reduce((sum, us) => sum + us, 0);
  const whole = (closed.atMs - opened.atMs) * 1000 * availableParallelism();
  return Math.max(0, closed.machineUs - opened.machineUs - ours) / whole;
}
