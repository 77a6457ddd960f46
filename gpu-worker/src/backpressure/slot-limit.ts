import { DepthClimber } from "./depth-climber.js";
import type { EndpointPressureOptions } from "./endpoint-pressure.js";
import { FullWindows, type WindowEnd } from "./full-windows.js";
import { type AnsweredCall, LatencyGrowth } from "./latency-growth.js";
import { type PressureMarks, type PressureReason, SlotsAimd } from "./slots-aimd.js";
import type { TritonFigures } from "./triton-reader.js";

/**
 * How many slots of one endpoint may be active: as many as its depth is found to be, and as AIMD allows. It is told what
 * happens, in monotonic milliseconds, and looks once a second.
 */
export class SlotLimit {
  readonly #aimd: SlotsAimd;
  readonly #climber: DepthClimber;
  readonly #windows = new FullWindows();
  readonly #latency = new LatencyGrowth();
  #slots: number;

  constructor(options: Pick<EndpointPressureOptions, "slots" | "firstSlots">, nowMs: number) {
    const { slots, firstSlots } = options;
    this.#aimd = new SlotsAimd(slots);
    this.#climber = new DepthClimber({ most: slots, start: Math.min(slots, firstSlots) });
    this.#slots = this.#climber.depth;
    this.#windows.restart(this.#slots, nowMs);
  }

  /** Slots that may be active now. */
  get slots(): number {
    return this.#slots;
  }

  /** The best depth that is known, whether or not it is allowed now. */
  get depth(): number {
    return this.#climber.settled;
  }

  /** How much longer calls take than usual, see LatencyGrowth. */
  latencyGrowth(nowMs: number): number | undefined {
    return this.#latency.growth(nowMs);
  }

  callBegins(nowMs: number): void {
    this.#latency.begin(nowMs);
  }

  /** @param call undefined if it failed. */
  callEnds(call: AnsweredCall | undefined, nowMs: number): void {
    this.#latency.end(call, nowMs);
  }

  /** A slot has taken a batch. */
  batchBegins(nowMs: number): void {
    this.#windows.begin(nowMs);
  }

  /** @param rows those that were served. */
  batchEnds(rows: number, nowMs: number): void {
    this.#learn(this.#windows.end(rows, nowMs), nowMs);
  }

  /** Once a second. @returns why slots were taken away now, undefined if none were. */
  look(figures: TritonFigures, marks: PressureMarks, nowMs: number): PressureReason | undefined {
    const { gpuUtilization, gpuMemory } = figures;
    const signs = { gpuUtilization, gpuMemory, latencyGrowth: this.#latency.growth(nowMs) };
    const reason = this.#aimd.observe(signs, marks, { ms: nowMs, inUse: this.#slots });
    this.#learn(this.#windows.look(nowMs), nowMs);
    return reason;
  }

  #learn(window: WindowEnd | undefined, nowMs: number): void {
    if (this.#aimd.limit < this.#climber.depth) this.#climber.unsaturated(nowMs);
    else if (window?.kind === "full") this.#climber.measured(window.rate, nowMs);
    else if (window) this.#climber.unsaturated(nowMs);
    const slots = Math.min(this.#aimd.limit, this.#climber.depth);
    if (slots === this.#slots) return;
    this.#slots = slots;
    this.#windows.restart(slots, nowMs);
  }
}
