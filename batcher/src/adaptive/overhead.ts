import { WeightedWindow } from "./weighted-window.js";

/** Before anything was measured, milliseconds. */
const FIRST_GUESS_MS = 2;

/**
 * What a batch costs beyond its service: from the decision until a worker has it, and from its end until the batcher
 * has heard of that. Measured where a slot was idle, so that no batch before it counts.
 */
export class Overhead {
  readonly #window = new WeightedWindow();
  #p95Ms = FIRST_GUESS_MS;

  /** 95th percentile of the latest batches, milliseconds. */
  get p95Ms(): number {
    return this.#p95Ms;
  }

  observe(overheadMs: number): void {
    this.#window.add(overheadMs);
    [this.#p95Ms = FIRST_GUESS_MS] = this.#window.quantiles(0.95);
  }
}
