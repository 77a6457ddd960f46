/** Where a process runs, and which boot of it this is. */
export interface ProcessIdentity {
  readonly hostname: string;
  readonly pid: number;
  /** Different at every boot. */
  readonly random: string;
}

/**
 * Names for the slots of a process: `HOST-PID-RANDOM#i`. New at every boot, so that what is pending for a name is
 * either its own or lost; without spaces, for a run's holder is stored as slot, space, batch.
 */
export function slotNames({ hostname, pid, random }: ProcessIdentity, count: number): string[] {
  const host = hostname.replace(/[^A-Za-z0-9_.-]/g, "_");
  return Array.from({ length: count }, (_, slot) => `${host}-${pid}-${random}#${slot}`);
}
