import type { Timing } from "../process/report-to-parent.js";
import type { ExchangeName } from "./exchange.js";

/** Who submits: a number of clients that each wait for their answer, or independent callers at a rate. */
export type Pace =
  { readonly kind: "closed"; readonly clients: number } | { readonly kind: "open"; readonly ratePerS: number };

/** What is submitted. */
export type PlannedInputs =
  | { readonly kind: "text"; readonly model: string; readonly textBytes: number }
  | { readonly kind: "picture"; readonly model: string; readonly output: string; readonly folder: string };

/** One run of the load generator. */
export interface LoadPlan extends Timing {
  /** Such as `http://127.0.0.1:8080`. */
  readonly origin: string;
  readonly exchange: ExchangeName;
  readonly pace: Pace;
  readonly inputs: PlannedInputs;
  /** Every n-th answer is compared with the right one. */
  readonly checkEvery: number;
  /** Runs of different seeds submit different inputs. */
  readonly seed: number;
}
