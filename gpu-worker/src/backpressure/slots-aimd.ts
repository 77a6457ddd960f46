/** What speaks for fewer slots. */
export interface PressureSigns {
  /** How long calls take against what is usual, 1 = as usual. Undefined: nothing to go by. */
  readonly latencyGrowth: number | undefined;
  /** 0..1, undefined without a GPU. */
  readonly gpuUtilization: number | undefined;
  readonly gpuMemory: number | undefined;
}

/** What an operator allows; 1 allows everything. */
export interface PressureMarks {
  readonly gpuUtilization: number;
  readonly gpuMemory: number;
}

/** Why slots were taken away. */
export type PressureReason = "gpu-memory" | "gpu-utilization" | "latency";

/** Calls that take twice as long as usual: the endpoint has trouble, or other work. Four times: much of it. */
const SLOW = 2;
const VERY_SLOW = 4;
/** Slots come back where a limit is left by so much (a mark by 0.05, a growth by a quarter), or they would come and go. */
const RELEASE = 0.05;
const RELEASE_GROWTH = 0.75;
/** How often a sign must be seen in a row: one slow moment, or one peak of a GPU, is none. */
const LOOKS = { "gpu-memory": 1, latency: 2, "gpu-utilization": 3 } as const;
/** What is left of the slots. */
const FACTOR = { "gpu-memory": 0.5, latency: 0.5, "gpu-utilization": 0.75 } as const;
/** What was taken away must have shown its effect before more is. */
const NEXT_DECREASE_MS = 2_000;
/** After slots were taken away none is added for so long. */
const CALM_MS = 3_000;
/**
 * What a busy endpoint keeps: one batch computes while the other is claimed, prepared or settled. A GPU that is always
 * busy is what batching is for, and no reason to let it wait between batches.
 */
const BUSY_FLOOR = 2;
/** From one slot to the ceiling in so many steps at most. */
const STEPS = 8;

/**
 * How many slots an endpoint may have: additive increase, multiplicative decrease. Never below 1 nor above the ceiling.
 *
 *   GPU memory over its mark       halved at once, down to 1, and none comes back until it is below
 *   calls slower than usual        halved; twice as slow: down to 2, four times: down to 1
 *   GPU utilisation over its mark  a quarter less, down to 2
 *   none of these                  one more (an eighth of the ceiling) at each look
 */
export class SlotsAimd {
  readonly #ceiling: number;
  readonly #seen = { "gpu-memory": 0, latency: 0, "gpu-utilization": 0 };
  #limit: number;
  #decreasedMs = -Infinity;

  /** @param ceiling the slots that are configured, at least 1. */
  constructor(ceiling: number) {
    this.#ceiling = ceiling;
    this.#limit = ceiling;
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * One look, once a second.
   * @param now.inUse the slots that are active: what is taken away is taken from these.
   * @returns why slots were taken away at this look, undefined if none were.
   */
  observe(
    signs: PressureSigns,
    marks: PressureMarks,
    now: { readonly ms: number; readonly inUse: number },
  ): PressureReason | undefined {
    const floors = floorsOf(signs, marks);
    const inUse = Math.min(this.#limit, now.inUse);
    const reasons = (["gpu-memory", "latency", "gpu-utilization"] as const).filter((reason) => {
      this.#seen[reason] = floors[reason] < Infinity ? this.#seen[reason] + 1 : 0;
      return this.#seen[reason] >= LOOKS[reason] && inUse > floors[reason];
    });
    const [reason] = reasons;
    const sinceDecreaseMs = now.ms - this.#decreasedMs;
    if (reason && sinceDecreaseMs >= NEXT_DECREASE_MS) {
      this.#limit = Math.max(floors[reason], Math.floor(inUse * FACTOR[reason]));
      this.#decreasedMs = now.ms;
      return reason;
    }
    if (reason === undefined && sinceDecreaseMs >= CALM_MS) this.#increase(mayGrowTo(signs, marks));
    return undefined;
  }

  #increase(most: number): void {
    const more = this.#limit + Math.ceil(this.#ceiling / STEPS);
    this.#limit = Math.max(this.#limit, Math.min(this.#ceiling, most, more));
  }
}

/** Down to how many slots each sign speaks for, Infinity where it is not there. */
function floorsOf(signs: PressureSigns, marks: PressureMarks): Readonly<Record<PressureReason, number>> {
  const { latencyGrowth = 1, gpuUtilization = 0, gpuMemory = 0 } = signs;
  return {
    "gpu-memory": gpuMemory > marks.gpuMemory ? 1 : Infinity,
    latency: latencyGrowth > VERY_SLOW ? 1 : latencyGrowth > SLOW ? BUSY_FLOOR : Infinity,
    "gpu-utilization": gpuUtilization > marks.gpuUtilization ? BUSY_FLOOR : Infinity,
  };
}

/** Up to how many slots they may grow: what is near a limit lets nothing grow beyond the floor of that limit. */
function mayGrowTo(signs: PressureSigns, marks: PressureMarks): number {
  const { latencyGrowth = 1, gpuUtilization = 0, gpuMemory = 0 } = signs;
  if (gpuMemory > marks.gpuMemory - RELEASE || latencyGrowth > VERY_SLOW * RELEASE_GROWTH) return 1;
  if (gpuUtilization > marks.gpuUtilization - RELEASE || latencyGrowth > SLOW * RELEASE_GROWTH) return BUSY_FLOOR;
  return Infinity;
}
