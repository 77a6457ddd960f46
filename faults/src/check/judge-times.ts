import type { CampaignResult } from "../campaign/campaign-result.js";
import { recoveryTable } from "../report/summarize.js";

/** Within this all that a killed worker, or batcher, had in its hands is done; 99 of 100. ms. */
const WITHIN_MS: Readonly<Record<string, number>> = { "kill-role gpu-worker": 6_000, "kill-role batcher": 8_000 };
/** Within this the shards of a killed master take work again. ms. */
const WRITE_GAP_MS = 6_000;
/** From so many kills on a 99th percentile says something. */
const ENOUGH_KILLS = 5;

/**
 * What was promised of times and not kept, a sentence each. Only where nothing else runs on the machine does it say
 * something about Sluice: that is why it is no invariant of every campaign.
 */
export function judgeTimes(results: readonly CampaignResult[]): string[] {
  return recoveryTable(results)
    .filter(({ kills }) => kills >= ENOUGH_KILLS)
    .flatMap(({ name, p99, gapP99 = 0 }) => {
      const withinMs = WITHIN_MS[name.replace(/^\w+ /, "")] ?? Infinity;
      return [
        ...(p99 > withinMs ? [`${name}: recovered after ${p99} ms (p99), more than ${withinMs}`] : []),
        ...(gapP99 > WRITE_GAP_MS ? [`${name}: nothing taken for ${gapP99} ms (p99), more than ${WRITE_GAP_MS}`] : []),
      ];
    });
}
