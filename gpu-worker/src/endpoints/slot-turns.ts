import type { Rotation } from "../health/endpoint-health.js";

/** Which slots of one endpoint may pull, by their numbers from 0. */
export class SlotTurns {
  readonly #busy = new Set<number>();

  /** A slot has a batch, until what is returned is called. */
  takes(index: number): () => void {
    this.#busy.add(index);
    return () => void this.#busy.delete(index);
  }

  /**
   * Whether a slot without a batch may pull: the first so many, or, where one batch is to be tried, the first slot that
   * is free, for those before it may hang in batches of old.
   */
  mayPull(index: number, rotation: Rotation, slots: number): boolean {
    if (rotation === "all") return index < slots;
    return rotation === "one" && Array.from({ length: index }, (_, before) => before).every((i) => this.#busy.has(i));
  }
}
