import type { DurabilityPrices } from "./durability/measure-durability.js";
import type { HttpFloor } from "./floors/http-floor.js";
import type { Pace } from "./load/load-plan.js";
import type { LoadFigures } from "./measure/measure-load.js";
import type { TaskSummary } from "./measure/task-times.js";
import type { ExchangeName } from "./load/exchange.js";
import type { BatchMode } from "./options.js";
import type { OverloadFigures } from "./overload/overload-figures.js";
import type { ReplayFigures } from "./replay/measure-replay.js";
import type { TensorRuns } from "./tensors/measure-tensors.js";

/** One load and what it has shown. */
export interface LoadRun {
  readonly exchange: ExchangeName;
  readonly pace: Pace;
  readonly figures: LoadFigures;
}

/** Work that a process does by itself, a number of pieces at a time. */
export interface DirectRun {
  readonly inFlight: number;
  /** Rows or pictures. */
  readonly perS: number;
  /** Of one call: a whole batch, or one picture. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Microseconds of CPU per row or picture, by process. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Calls with an answer that was not right. */
  readonly wrong: number;
}

/** Texts through Sluice, and one at a time past it. */
export interface TextFigures {
  readonly mode: BatchMode;
  readonly loads: readonly LoadRun[];
  /** Single rows straight to the same Triton, as seldom as in the lightest load. */
  readonly single: TaskSummary;
}

/** Everything that one run of the bench has measured: what the JSON file holds. Parts that did not run are absent. */
export interface BenchResult {
  readonly machine: Machine;
  readonly quick: boolean;
  /** The load generator against a server that always answers the same bytes. */
  readonly generator?: readonly LoadRun[];
  /** A hono route with one EVALSHA and one read. */
  readonly http?: HttpFloor;
  /** Full batches straight over gRPC. */
  readonly triton?: readonly DirectRun[];
  /** Full batches of large tensors over gRPC and through shared memory. */
  readonly tensors?: TensorRuns;
  /** Admissions at each level of durability. */
  readonly durability?: DurabilityPrices;
  /** Sluice with texts. */
  readonly text?: TextFigures;
  /** Sluice with three times the load that the model can take. */
  readonly overload?: OverloadFigures;
  /** The same arrivals on Sluice and in the simulator. */
  readonly replay?: ReplayFigures;
  /** Pictures: decoded and resized by sharp alone, and answered by Sluice. */
  readonly pictures?: { readonly sharp: readonly DirectRun[]; readonly sluice: readonly LoadRun[] };
}

/** Where and when it was measured. */
export interface Machine {
  readonly startedAt: string;
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
}
