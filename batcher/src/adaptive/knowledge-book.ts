import { type LearnedTimes, learnedTimesOf, parseLane } from "@sluice/broker";
import { LaneKnowledge } from "./lane-knowledge.js";
import { MeasuredSlots } from "./measured-slots.js";
import { Overhead } from "./overhead.js";
import { ServiceTimes } from "./service-times.js";

/**
 * What a batcher has learned about its lanes. The classes of one version of a model share their service times; rows of
 * all signatures of it are taken as alike.
 */
export class KnowledgeBook {
  readonly #lanes = new Map<string, LaneKnowledge>();
  readonly #times = new Map<string, ServiceTimes>();
  readonly #overheads = new Map<string, Overhead>();
  readonly #slots = new Map<string, MeasuredSlots>();
  #told: ReadonlyMap<string, LearnedTimes> = new Map();
  /** How much had been seen of each version when that was told to others. */
  readonly #toldAt = new Map<string, number>();

  /** @param modelMaxSize the largest batch that the model takes, rows. */
  of(lane: string, modelMaxSize: number): LaneKnowledge {
    const known = this.#lanes.get(lane);
    if (known) return known;
    const knowledge = new LaneKnowledge(this.#timesOf(lane, modelMaxSize));
    this.#lanes.set(lane, knowledge);
    return knowledge;
  }

  overheadOf(pool: string): Overhead {
    const overhead = this.#overheads.get(pool) ?? new Overhead();
    this.#overheads.set(pool, overhead);
    return overhead;
  }

  slotsOf(pool: string): MeasuredSlots {
    const slots = this.#slots.get(pool) ?? new MeasuredSlots();
    this.#slots.set(pool, slots);
    return slots;
  }

  /** Others, or an earlier life of this batcher, have learned this. What is older than `oldestMs` is not believed. */
  adopt(told: ReadonlyMap<string, LearnedTimes>, oldestMs: number): void {
    this.#told = new Map([...told].filter(([, { writtenMs }]) => writtenMs >= oldestMs));
    for (const [name, times] of this.#times) times.adopt(this.#told.get(name)?.times ?? []);
  }

  /** What was learned since the last call, by version of a model. */
  takeNews(nowMs: number): Map<string, LearnedTimes> {
    const news = new Map<string, LearnedTimes>();
    for (const [name, times] of this.#times) {
      const learned = times.learned();
      if (times.observed === (this.#toldAt.get(name) ?? 0) || learned.length === 0) continue;
      this.#toldAt.set(name, times.observed);
      news.set(name, { writtenMs: nowMs, times: learned });
    }
    return news;
  }

  #timesOf(lane: string, modelMaxSize: number): ServiceTimes {
    const { model = lane, version = "", zone = "" } = parseLane(lane) ?? {};
    const name = learnedTimesOf({ model, version, zone });
    const known = this.#times.get(name);
    if (known) return known;
    const times = new ServiceTimes(modelMaxSize);
    times.adopt(this.#told.get(name)?.times ?? []);
    this.#times.set(name, times);
    return times;
  }
}
