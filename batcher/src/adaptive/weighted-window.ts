/** How many of the latest samples count at all. */
const LENGTH = 128;
/** Each sample counts so much of the one after it: about the latest 60 decide. */
const FADE = 0.985;
/** By age, the latest first. */
const WEIGHTS = Float64Array.from({ length: LENGTH }, (_, age) => FADE ** age);

/** The latest samples of something that changes slowly: quantiles in which older ones count less and less. */
export class WeightedWindow {
  /** A ring: the n-th sample lies at n modulo its length. */
  readonly #values = new Float64Array(LENGTH);
  /** Places in the ring by rising value. Kept in order, for quantiles are asked for after almost every sample. */
  readonly #order: number[] = [];
  #added = 0;

  get count(): number {
    return this.#order.length;
  }

  add(value: number): void {
    const place = this.#added % LENGTH;
    if (this.count === LENGTH) this.#order.splice(this.#order.indexOf(place), 1);
    this.#values[place] = value;
    this.#order.splice(this.#firstAbove(value), 0, place);
    this.#added++;
  }

  /** The mean, weighted; NaN for no samples. */
  mean(): number {
    let [sum, weights] = [0, 0];
    for (let nth = this.#added - this.count; nth < this.#added; nth++) {
      const weight = this.#weight(nth % LENGTH);
      sum += this.#value(nth % LENGTH) * weight;
      weights += weight;
    }
    return sum / weights;
  }

  /** For each share (0..1, rising): the smallest value below which that share of all weight lies; NaN for no samples. */
  quantiles(...shares: readonly number[]): number[] {
    const order = this.#order;
    let total = 0;
    for (const place of order) total += this.#weight(place);
    let [rank, below] = [0, this.#weight(order[0] ?? 0)];
    return shares.map((share) => {
      while (rank < order.length - 1 && below < share * total) below += this.#weight(order[++rank] ?? 0);
      const place = order[rank];
      return place === undefined ? NaN : this.#value(place);
    });
  }

  /** The first rank whose value is above this one. */
  #firstAbove(value: number): number {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#value(this.#order[middle] ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #value(place: number): number {
    return this.#values[place] ?? NaN;
  }

  #weight(place: number): number {
    return WEIGHTS[(this.#added - 1 - place) % LENGTH] ?? 0;
  }
}
