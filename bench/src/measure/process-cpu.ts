import { readdirSync, readFileSync } from "node:fs";

/** One line of /proc/PID/stat, as far as it is needed (proc(5)). */
export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** User and system time of all its threads, also of those that have ended, in clock ticks. */
  readonly cpuTicks: number;
  /** The same of its children that have ended, and of theirs. */
  readonly endedChildrenTicks: number;
}

/** USER_HZ: Linux reports times in /proc in hundredths of a second on every architecture that Node runs on. */
const TICK_US = 10_000;

/** CPU time in microseconds that each named process has used since it was started. */
export type CpuReading = Readonly<Record<string, number>>;

/** A process whose CPU is of interest. */
export interface WatchedProcess {
  readonly name: string;
  readonly pid: number;
  /** Where its children are counted: under this name, apart from itself; with itself if absent. */
  readonly childrenName?: string;
}

/**
 * Reads what the processes and their descendants have used until now; those under one name are added up.
 * @throws Error if one of them has ended: what its successor uses would be no difference to what it used.
 */
export function readCpu(watched: readonly WatchedProcess[]): CpuReading {
  const children = childrenByParent(readAllStats());
  const reading: Record<string, number> = {};
  const add = (name: string, ticks: number): void => void (reading[name] = (reading[name] ?? 0) + ticks * TICK_US);
  for (const { name, pid, childrenName } of watched) {
    const stat = readStat(pid);
    if (stat === undefined) throw new Error(`${name} (process ${pid}) has ended while it was measured`);
    add(name, stat.cpuTicks);
    add(childrenName ?? name, stat.endedChildrenTicks);
    for (const child of descendants(pid, children)) {
      add(childrenName ?? name, child.cpuTicks + child.endedChildrenTicks);
    }
  }
  return reading;
}

/** Microseconds of CPU that the whole machine has used since it was started, and that a hypervisor kept from it. */
export function readMachineCpu(): number {
  return parseMachineTicks(readFileSync("/proc/stat", "latin1")) * TICK_US;
}

/**
 * Parses the first line of /proc/stat (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal, and then times of
 * guests, which are in the first two already.
 */
export function parseMachineTicks(text: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = text
    .slice(0, text.indexOf("\n"))
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** Microseconds of CPU per task between two readings, by name. */
export function cpuPerTask(before: CpuReading, after: CpuReading, tasks: number): Record<string, number> {
  const names = Object.keys(after);
  return Object.fromEntries(names.map((name) => [name, ((after[name] ?? 0) - (before[name] ?? 0)) / tasks]));
}

/**
 * Parses /proc/PID/stat. The second field, the program's name, may itself hold spaces and parentheses, so fields are
 * counted from the last closing one: 4 is the parent, 14 and 15 are user and system time, 16 and 17 the ended children's.
 */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return {
    pid: Number.parseInt(text, 10),
    parentPid: field(4),
    cpuTicks: field(14) + field(15),
    endedChildrenTicks: field(16) + field(17),
  };
}

function readAllStats(): ProcessStat[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => readStat(Number(pid))).filter((stat) => stat !== undefined);
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    // It has ended since its name was read.
    return undefined;
  }
}

function childrenByParent(stats: readonly ProcessStat[]): Map<number, ProcessStat[]> {
  const children = new Map<number, ProcessStat[]>();
  for (const stat of stats) {
    const siblings = children.get(stat.parentPid);
    if (siblings) siblings.push(stat);
    else children.set(stat.parentPid, [stat]);
  }
  return children;
}

function descendants(pid: number, children: ReadonlyMap<number, ProcessStat[]>): ProcessStat[] {
  return (children.get(pid) ?? []).flatMap((child) => [child, ...descendants(child.pid, children)]);
}
