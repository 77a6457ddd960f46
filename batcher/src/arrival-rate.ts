/** About the latest so many milliseconds decide: long enough for a figure that can be read. */
const SPAN_MS = 5_000;

/** Arrivals a second, from a count that is looked at again and again. */
export class ArrivalRate {
  #perSecond = 0;
  #total = 0;
  #atMs: number | undefined;

  /** @param total arrivals ever. @param nowMs monotonic. @returns arrivals a second, lately; 0 at the first look. */
  look(total: number, nowMs: number): number {
    if (this.#atMs !== undefined && nowMs > this.#atMs) {
      const spanMs = nowMs - this.#atMs;
      const latest = (1_000 * (total - this.#total)) / spanMs;
      this.#perSecond += (1 - Math.exp(-spanMs / SPAN_MS)) * (latest - this.#perSecond);
    }
    this.#total = total;
    this.#atMs = nowMs;
    return this.#perSecond;
  }
}
