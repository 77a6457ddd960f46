import type { LevelPrice } from "../durability/level-price.js";
import { ADMITTED_BYTES, type DurabilityPrices } from "../durability/measure-durability.js";
import { formatNumber, formatRatio, formatShare } from "./format-number.js";
import type { Table } from "./table.js";

/** What each level of durability costs, as a table. */
export function durabilityTable(durability: DurabilityPrices): Table {
  const { server, forcedWriteMs, othersShare, prices, confirmedEarly } = durability;
  const facts = `${server}, one forced write ${formatNumber(forcedWriteMs)} ms, others ${formatShare(othersShare)}`;
  return {
    title: `Admissions of ${ADMITTED_BYTES} bytes by durability (${facts})`,
    columns: ["level", "in flight", "tasks/s", "p50 ms", "p99 ms", "unconfirmed", "tasks/s of memory", "p50", "p99"],
    rows: prices.map((price) => priceRow(price, confirmedEarly.includes(price.level))),
  };
}

function priceRow({ level, inFlight, figures, ofMemory, unconfirmed }: LevelPrice, isEarly: boolean): string[] {
  const doubt = figures ? (isEarly ? ": answered before the disk has it" : "") : ": not known to this server";
  return [
    level + doubt,
    String(inFlight),
    ...[figures?.perS, figures?.p50Ms, figures?.p99Ms].map(formatNumber),
    figures ? String(unconfirmed) : formatNumber(undefined),
    ...[ofMemory?.perS, ofMemory?.p50Ms, ofMemory?.p99Ms].map(formatRatio),
  ];
}
