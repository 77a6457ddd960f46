/** How many of the latest samples count at all. */
const LENGTH = 128;
/** Each sample counts so much of the one after it: about the latest 60 decide. */
const FADE = 0.985;
/** By age, the latest first. */
const WEIGHTS = Float64Array.from({ length: LENGTH }, (_, age) => FADE ** age);

/** The latest samples of something that changes slowly: quantiles in which older ones count less and less. */
export class WeightedWindow {
  readonly #values: number[] = [];

  get count(): number {
    return this.#values.length;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > LENGTH) this.#values.shift();
  }

  /** The mean, weighted; NaN for no samples. */
  mean(): number {
    let [sum, weights] = [0, 0];
    for (const [index, value] of this.#values.entries()) {
      sum += value * this.#weight(index);
      weights += this.#weight(index);
    }
    return sum / weights;
  }

  /** For each share (0..1, rising): the smallest value below which that share of all weight lies; NaN for no samples. */
  quantiles(...shares: readonly number[]): number[] {
    const order = Uint16Array.from(this.#values.keys()).sort((a, b) => this.#value(a) - this.#value(b));
    const total = order.reduce((sum, index) => sum + this.#weight(index), 0);
    let [place, below] = [0, this.#weight(order[0] ?? 0)];
    return shares.map((share) => {
      while (place < order.length - 1 && below < share * total) below += this.#weight(order[++place] ?? 0);
      return this.#values[order[place] ?? 0] ?? NaN;
    });
  }

  #value(index: number): number {
    return this.#values[index] ?? NaN;
  }

  #weight(index: number): number {
    return WEIGHTS[this.#values.length - 1 - index] ?? 0;
  }
}
