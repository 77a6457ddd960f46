import { join } from "node:path";
import type { BenchContext } from "../bench-context.js";
import { othersShare, type CpuUsage, readUsage } from "../measure/cpu-usage.js";
import { runMeasuredChild } from "../process/measured-child.js";
import { DURABILITY_LEVELS } from "./durability-level.js";
import { type LevelPrice, pricesOf } from "./level-price.js";
import type { RoundsPlan, RoundsReport } from "./measure-rounds.js";
import { withLevelServers } from "./start-level-servers.js";

/** What it costs to be sure that a task is kept before it is answered 202, and every window of every round. */
export interface DurabilityPrices extends RoundsReport {
  /** Part of the machine's CPU, 0..1, that went to others while it was measured. */
  readonly othersShare: number;
  readonly prices: readonly LevelPrice[];
}

/** Length of the inputs in bytes. */
export const ADMITTED_BYTES = 512;
const IN_FLIGHT = [1, 64];

/** Admissions at every level of durability, each on its own server of the same kind, in turn. */
export async function measureDurability({
  scale,
  progress,
  nextSeed,
  folder,
}: BenchContext): Promise<DurabilityPrices> {
  const dataFolder = join(folder, "durability");
  const label = `admissions at each level of durability, in turn, ${scale.durability.rounds} rounds`;
  return await progress.step(label, () =>
    withLevelServers(DURABILITY_LEVELS, dataFolder, async ({ servers, pids }) => {
      const plan: RoundsPlan = {
        ...scale.durability,
        servers,
        inFlight: IN_FLIGHT,
        inputBytes: ADMITTED_BYTES,
        seed: nextSeed(),
        folder: dataFolder,
      };
      const usage: CpuUsage[] = [];
      const read = (clientPid: number): void =>
        void usage.push(readUsage([clientPid, ...pids].map((pid) => ({ name: String(pid), pid }))));
      const script = new URL("./durability-client.js", import.meta.url);
      const report = await runMeasuredChild<RoundsPlan, RoundsReport>(script, plan, { onOpen: read, onClose: read });
      const [opened, closed] = usage;
      const levels = DURABILITY_LEVELS.map(({ name }) => name);
      return {
        ...report,
        othersShare: opened && closed ? othersShare(opened, closed) : Number.NaN,
        prices: pricesOf(report.runs, levels, IN_FLIGHT),
      };
    }),
  );
}
