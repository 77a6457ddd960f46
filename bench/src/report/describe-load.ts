import type { PlannedLoad } from "../bench-scale.js";
import type { Pace } from "../load/load-plan.js";

/** `256 clients` or `1000/s`. */
export function describePace(pace: Pace): string {
  return pace.kind === "closed" ? `${pace.clients} clients` : `${pace.ratePerS}/s`;
}

/** `256 clients, submit and wait`. */
export function describeLoad({ exchange, pace }: PlannedLoad): string {
  const how = { once: "", "submit-and-wait": ", submit and wait", "submit-then-poll": ", submit, then poll" };
  return describePace(pace) + how[exchange];
}
