import type { ExchangeName } from "./load/exchange.js";
import type { Pace } from "./load/load-plan.js";
import type { RoundsPlan } from "./durability/measure-rounds.js";
import type { OverloadScale } from "./overload/measure-overload.js";
import type { ReplayScale } from "./replay/measure-replay.js";
import type { Timing } from "./process/report-to-parent.js";

/** One load on Sluice. */
export interface PlannedLoad {
  readonly exchange: ExchangeName;
  readonly pace: Pace;
}

/** How much is measured. */
export interface BenchScale {
  readonly timing: Timing;
  /** Every n-th answer is compared with the right one. */
  readonly checkEvery: number;
  /**
   * How long texts run through Sluice before the first of them are measured. What runs once for a batch of 64 is compiled
   * by V8 after a minute of full load only: batcher and worker together need 101 us of CPU a task in the first 15 s, then
   * 87, 79 and 76, and stay at 75.
   */
  readonly soakMs: number;
  readonly floorPaces: readonly Pace[];
  readonly textLoads: readonly PlannedLoad[];
  readonly pictureLoads: readonly PlannedLoad[];
  readonly pictures: number;
  readonly durability: Pick<RoundsPlan, "timing" | "rounds" | "soakMs">;
  readonly overload: OverloadScale;
  readonly replay: ReplayScale;
}

/** Length of the texts in bytes. */
export const TEXT_BYTES = 2_048;
/** So few texts a second that each is alone, for a comparison with single rows straight to Triton. */
export const SELDOM_PER_S = 20;
/** Rows of a full batch. */
export const FULL_BATCH = 64;
/** Size of the pictures in pixels. */
export const PICTURE_SIZE = { width: 640, height: 480 } as const;

const closed = (clients: number): Pace => ({ kind: "closed", clients });
const open = (ratePerS: number): Pace => ({ kind: "open", ratePerS });
const each = (exchange: ExchangeName, paces: readonly Pace[]): PlannedLoad[] =>
  paces.map((pace) => ({ exchange, pace }));

/** The whole bench. The floors are also seen at 2,500/s: a busier server needs less CPU a request, so only equal rates compare. */
const WHOLE: BenchScale = {
  timing: { warmUpMs: 3_000, measureMs: 15_000 },
  checkEvery: 50,
  soakMs: 60_000,
  floorPaces: [closed(64), closed(256), open(2_500)],
  textLoads: (["submit-and-wait", "submit-then-poll"] as const).flatMap((exchange) =>
    each(exchange, [closed(64), closed(256), open(SELDOM_PER_S), open(100), open(1_000), open(2_000)]),
  ),
  pictureLoads: each("submit-and-wait", [closed(64), closed(256)]),
  pictures: 200,
  durability: { timing: { warmUpMs: 300, measureMs: 1_200 }, rounds: 5, soakMs: 3_000 },
  overload: {
    ...{ warmUpMs: 90_000, beforeMs: 30_000, overloadMs: 120_000, afterMs: 40_000 },
    ...{ settleMs: 5_000, recoverMs: 10_000, memoryMs: 30_000, windowMs: 10_000 },
  },
  replay: { soakMs: 20_000, aloneMs: 10_000, lengthMs: 60_000, ratesPerS: [50, 200, 500] },
};

const QUICK: BenchScale = {
  timing: { warmUpMs: 1_000, measureMs: 3_000 },
  checkEvery: 1,
  soakMs: 1_000,
  floorPaces: [closed(256), open(2_500)],
  textLoads: [
    ...each("submit-and-wait", [closed(256), open(SELDOM_PER_S), open(1_000)]),
    ...each("submit-then-poll", [closed(64)]),
  ],
  pictureLoads: each("submit-and-wait", [closed(64)]),
  pictures: 50,
  durability: { timing: { warmUpMs: 50, measureMs: 150 }, rounds: 1, soakMs: 200 },
  overload: {
    ...{ warmUpMs: 6_000, beforeMs: 5_000, overloadMs: 10_000, afterMs: 10_000 },
    ...{ settleMs: 3_000, recoverMs: 5_000, windowMs: 2_500 },
  },
  replay: { soakMs: 1_000, aloneMs: 3_000, lengthMs: 8_000, ratesPerS: [200] },
};

/** How much a run measures. */
export function benchScale({ quick }: { readonly quick: boolean }): BenchScale {
  return quick ? QUICK : WHOLE;
}
