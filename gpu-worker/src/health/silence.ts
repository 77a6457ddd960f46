/**
 * For how long an endpoint has answered nothing although it was asked. Time that this process itself did not get is no
 * silence: what elapses between two looks counts up to twice their distance.
 */
export class Silence {
  readonly #lookEveryMs: number;
  #isAsked = false;
  #silentMs = 0;
  #lookedMs: number | undefined;

  constructor(lookEveryMs: number) {
    this.#lookEveryMs = lookEveryMs;
  }

  /** It was asked something. */
  asked(): void {
    this.#isAsked = true;
  }

  /** It answered, whatever it said. */
  heard(): void {
    this.#isAsked = false;
    this.#silentMs = 0;
  }

  /** @param nowMs monotonic. @returns milliseconds of silence. */
  look(nowMs: number): number {
    const elapsedMs = nowMs - (this.#lookedMs ?? nowMs);
    this.#lookedMs = nowMs;
    if (this.#isAsked) this.#silentMs += Math.min(elapsedMs, 2 * this.#lookEveryMs);
    return this.#silentMs;
  }
}
