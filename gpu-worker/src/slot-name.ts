/** Where a process runs, and which boot of it this is. */
export interface ProcessIdentity {
  readonly hostname: string;
  readonly pid: number;
  /** Different at every boot. */
  readonly random: string;
}

/** The name of a slot, and its number in the process. */
export interface NumberedSlot {
  readonly name: string;
  readonly number: number;
}

/**
 * Names for the slots of a process, one after another: `HOST-PID-RANDOM#i`. New at every boot, and never given twice,
 * so that what is pending for a name is either its own or lost; without spaces, for a run's holder is stored as slot,
 * space, batch.
 */
export function createSlotNames({ hostname, pid, random }: ProcessIdentity): () => NumberedSlot {
  const host = hostname.replace(/[^A-Za-z0-9_.-]/g, "_");
  let next = 0;
  return () => {
    const number = next++;
    return { name: `${host}-${pid}-${random}#${number}`, number };
  };
}
