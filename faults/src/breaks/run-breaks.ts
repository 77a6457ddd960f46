import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { CampaignResult } from "../campaign/campaign-result.js";
import { runCampaign } from "../campaign/run-campaign.js";
import type { Invariant } from "../check/violation.js";
import type { Break } from "./breaks.js";

/** What became of a break. */
export interface BreakResult {
  readonly name: string;
  readonly scenario: string;
  readonly expected: readonly Invariant[];
  /** Invariants that the broken programs violate, with how often. */
  readonly broken: Readonly<Partial<Record<Invariant, number>>>;
  /** The same of the sound programs: empty if all is well. */
  readonly sound: Readonly<Partial<Record<Invariant, number>>>;
  /** It was noticed, by the invariant that it breaks, and the sound programs pass. */
  readonly caught: boolean;
  /** One case of each violation, in words; of the sound programs too if they have any. */
  readonly examples: readonly string[];
}

/**
 * Runs each break in its scenario, and the scenario without it. Sound runs are shared by breaks that have scenario and
 * preparation in common.
 */
export async function runBreaks(
  breaks: readonly Break[],
  options: { readonly seed: string; readonly dir: string; readonly say: (line: string) => void },
): Promise<BreakResult[]> {
  const sound = new Map<string, CampaignResult>();
  const run = async (one: Break, isBroken: boolean): Promise<CampaignResult> => {
    const dir = join(options.dir, "break");
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    const patches = [...(one.preparation ?? []), ...(isBroken ? one.patches : [])];
    const say = (): void => undefined;
    return runCampaign({ ...one.scenario, seed: options.seed, patches, dir, say });
  };
  const results: BreakResult[] = [];
  for (const one of breaks) {
    const key = JSON.stringify([one.scenario.name, one.preparation ?? []]);
    const control = sound.get(key) ?? (await run(one, false));
    sound.set(key, control);
    const result = judge(one, await run(one, true), control);
    results.push(result);
    options.say(lineOf(result));
  }
  return results;
}

function judge(one: Break, broken: CampaignResult, sound: CampaignResult): BreakResult {
  const [counts, soundCounts] = [countsOf(broken), countsOf(sound)];
  const hit = broken.violations.find(({ invariant }) => one.expected.includes(invariant));
  return {
    name: one.name,
    scenario: one.scenario.name,
    expected: one.expected,
    broken: counts,
    sound: soundCounts,
    caught: hit !== undefined && sound.violations.length === 0,
    examples: [...examplesOf(broken), ...examplesOf(sound).map((text) => `without it: ${text}`)],
  };
}

/** The first violation of each invariant. */
function examplesOf({ violations }: CampaignResult): string[] {
  const first = new Map(violations.map((one) => [one.invariant, one] as const).reverse());
  return [...first.values()].map(({ invariant, detail }) => `${invariant}: ${detail}`);
}

function countsOf({ violations }: CampaignResult): Partial<Record<Invariant, number>> {
  const counts: Partial<Record<Invariant, number>> = {};
  for (const { invariant } of violations) counts[invariant] = (counts[invariant] ?? 0) + 1;
  return counts;
}

/** One break in one line. */
export function lineOf({ name, scenario, broken, sound, caught, examples }: BreakResult): string {
  const list = (counts: BreakResult["broken"]): string =>
    Object.entries(counts)
      .map(([invariant, count]) => `${count} ${invariant}`)
      .join(", ") || "green";
  const more = caught ? "" : `\n      ${examples.join("\n      ") || "nothing was violated"}`;
  return `${caught ? "caught" : "NOT CAUGHT"}: ${name} (${scenario}): ${list(broken)}; without it: ${list(sound)}${more}`;
}
