import type { Ref } from "@sluice/broker";

/** A reference that waits for a batch. */
export interface WaitingRef {
  readonly ref: Pick<Ref, "cost" | "admittedMs" | "deadlineMs">;
  /** Since when it waits for a batch, monotonic milliseconds. */
  readonly arrivedMs: number;
}

/** What all references of one queue have in common, so that any of them may share a batch. */
export interface QueueKind {
  readonly lane: string;
  readonly signature: string;
  /** The references must be alone: each leaves in a batch of its own. */
  readonly solo: boolean;
}

/**
 * References of one lane and signature, in order of their admission. Appending in order is O(1); an older one (taken
 * over, or returned by a worker) is put in its place. Taking is O(queue), once for a whole batch.
 */
export class LaneQueue<Item extends WaitingRef> {
  readonly kind: QueueKind;
  #items: Item[] = [];
  #cost = 0;
  #oldestArrivedMs = Infinity;
  #earliestDeadlineMs = Infinity;

  constructor(kind: QueueKind) {
    this.kind = kind;
  }

  get count(): number {
    return this.#items.length;
  }

  /** What the waiting references add up to, in rows of a batch. */
  get cost(): number {
    return this.#cost;
  }

  /** When the first of the waiting arrived, monotonic milliseconds; Infinity if none waits. */
  get oldestArrivedMs(): number {
    return this.#oldestArrivedMs;
  }

  /** When the first of the waiting was admitted, server time; Infinity if none waits. */
  get oldestAdmittedMs(): number {
    return this.#items[0]?.ref.admittedMs ?? Infinity;
  }

  /** The earliest deadline of the waiting, as far as they know it, server time; Infinity if none waits. */
  get earliestDeadlineMs(): number {
    return this.#earliestDeadlineMs;
  }

  add(item: Item): void {
    const last = this.#items.at(-1);
    if (!last || last.ref.admittedMs <= item.ref.admittedMs) this.#items.push(item);
    else this.#items.splice(this.#firstAfter(item.ref.admittedMs), 0, item);
    this.#count(item);
  }

  /** Takes the oldest references that fit together into `maxCost`, at least one if any waits, at most `maxCount`. */
  take(maxCost: number, maxCount = Infinity): Item[] {
    return this.#takeFirst(Math.max(1, this.#countFitting(maxCost, maxCount)));
  }

  /** Takes the oldest references that fit together into `maxCost`, perhaps none. */
  takeFitting(maxCost: number): Item[] {
    return this.#takeFirst(this.#countFitting(maxCost, Infinity));
  }

  /** Takes the references whose deadline, as far as they know it, is before `serverNowMs`. O(1) when there is none. */
  takeLate(serverNowMs: number): Item[] {
    if (this.#earliestDeadlineMs >= serverNowMs) return [];
    return this.removeWhere((item) => item.ref.deadlineMs < serverNowMs);
  }

  /** Takes out whatever matches; returns it in order. */
  removeWhere(matches: (item: Item) => boolean): Item[] {
    const removed = this.#items.filter(matches);
    if (removed.length > 0) {
      this.#items = this.#items.filter((item) => !matches(item));
      this.#recount();
    }
    return removed;
  }

  /** All that waits, oldest first. */
  list(): readonly Item[] {
    return this.#items;
  }

  #countFitting(maxCost: number, maxCount: number): number {
    let cost = 0;
    let count = 0;
    for (const item of this.#items) {
      cost += item.ref.cost;
      if (cost > maxCost || count >= maxCount) break;
      count++;
    }
    return count;
  }

  #takeFirst(count: number): Item[] {
    const taken = this.#items.splice(0, count);
    this.#recount();
    return taken;
  }

  /** The first place whose reference was admitted after `admittedMs`. */
  #firstAfter(admittedMs: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle]?.ref.admittedMs ?? 0) <= admittedMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #count({ ref, arrivedMs }: Item): void {
    this.#cost += ref.cost;
    if (arrivedMs < this.#oldestArrivedMs) this.#oldestArrivedMs = arrivedMs;
    if (ref.deadlineMs < this.#earliestDeadlineMs) this.#earliestDeadlineMs = ref.deadlineMs;
  }

  #recount(): void {
    this.#cost = 0;
    this.#oldestArrivedMs = Infinity;
    this.#earliestDeadlineMs = Infinity;
    for (const item of this.#items) this.#count(item);
  }
}
