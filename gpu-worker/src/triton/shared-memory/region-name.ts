import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

/** Whose a region is: one pool of regions in one process. */
export interface RegionOwner {
  /** Number of the process namespace: a process id means something only inside. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When the process began, in clock ticks since the machine started: process ids come again, with it they do not. */
  readonly startTicks: string;
  /** Different for every pool. */
  readonly random: string;
}

/** What all names of ours begin with. */
const PREFIX = "sluice-tensors";
const PATTERN = /^sluice-tensors-(\d+)-(\d+)-(\d+)-([0-9a-f]{12})-\d+$/;

/** An owner for a new pool of this process. @throws Error where there is no /proc. */
export function createRegionOwner(): RegionOwner {
  const pidNamespace = currentPidNamespace();
  const startTicks = startTicksOf(process.pid);
  if (startTicks === undefined) throw new Error("this process has no start time");
  return { pidNamespace, pid: process.pid, startTicks, random: randomBytes(6).toString("hex") };
}

/** The name of a region, at Triton and as a file alike. */
export function formatRegionName({ pidNamespace, pid, startTicks, random }: RegionOwner, index: number): string {
  return [PREFIX, pidNamespace, pid, startTicks, random, index].join("-");
}

/** The owner that a name tells; undefined if it is no name of ours. */
export function parseRegionName(name: string): RegionOwner | undefined {
  const [, pidNamespace, pid, startTicks, random] = PATTERN.exec(name) ?? [];
  if (pidNamespace === undefined || startTicks === undefined || random === undefined) return undefined;
  return { pidNamespace, pid: Number(pid), startTicks, random };
}

/** Whether the process lives; undefined if that cannot be seen from here, for it has another namespace. */
export function isOwnerAlive(owner: RegionOwner): boolean | undefined {
  if (owner.pidNamespace !== currentPidNamespace()) return undefined;
  return startTicksOf(owner.pid) === owner.startTicks;
}

/** The link reads `pid:[4026531836]`. */
function currentPidNamespace(): string {
  return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
}

/** Field 22 of /proc/PID/stat (proc(5)); the name, field 2, may hold spaces and brackets. Undefined if there is none such. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    // A process that was killed and that nobody has waited for is dead.
    return state === "Z" || state === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
