/**
 * What must hold after every run.
 * - `lost`: an accepted task is not known any more. `stuck`: it has not ended. `changed`: two reads of its end differ.
 * - `crossed`: it was given another's answer. `unexpected`: it ended in a way, or ran, that nothing explains.
 * - `residue`: something is left in Redis that should be gone. `leak`: a process has not come back to its base.
 * - `duplicates`: more inputs ran twice than the faults explain. `crash`: a process ended that nobody had ended.
 */
export const INVARIANTS = [
  "lost",
  "stuck",
  "changed",
  "crossed",
  "unexpected",
  "residue",
  "leak",
  "duplicates",
  "crash",
] as const;

/** One of them. */
export type Invariant = (typeof INVARIANTS)[number];

/** One case in which one does not hold. */
export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}
