import { formatNumber } from "./format-number.js";
import type { Table } from "./table.js";
import { isMet, type Target } from "./targets.js";

/** Targets, what was measured, and whether they are met. */
export function targetTable(title: string, targets: readonly Target[]): Table {
  return {
    title,
    columns: ["", "measured", "target", "met"],
    rows: targets.map((target) => {
      const met = isMet(target);
      const verdict = met === undefined ? "-" : met ? "yes" : "NO";
      return [target.name, withUnit(formatNumber(target.value), target.unit), describeLimit(target), verdict];
    }),
  };
}

function describeLimit({ atLeast, atMost, unit }: Target): string {
  if (atLeast !== undefined) return withUnit(`>= ${atLeast}`, unit);
  return atMost === undefined ? "" : withUnit(`<= ${atMost}`, unit);
}

function withUnit(text: string, unit: Target["unit"]): string {
  return unit === "" ? text : `${text} ${unit}`;
}
