/** As `drift` of the service times: about the latest 20 batches decide. */
const SHARE = 0.05;

/**
 * With how many slots of a pool the latest service times were measured. A Triton that runs one batch after the other
 * takes longer for each when more are sent at once: whoever divides times by slots must take those that belong together,
 * or every change of the slots looks like another capacity for as long as times take to follow.
 */
export class MeasuredSlots {
  #slots: number | undefined;

  /** A batch was settled while the pool had so many. */
  observe(slots: number): void {
    // It was served, so somebody was there.
    if (slots < 1) return;
    this.#slots = this.#slots === undefined ? slots : this.#slots + SHARE * (slots - this.#slots);
  }

  /** To divide times by, given how many there are: those that went away count at once, those that came once times show them. */
  among(slots: number): number {
    return Math.min(slots, this.#slots ?? slots);
  }
}
