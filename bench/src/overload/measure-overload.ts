import type { BenchContext } from "../bench-context.js";
import { FULL_BATCH } from "../bench-scale.js";
import { type CpuUsage, othersShare, readUsage } from "../measure/cpu-usage.js";
import { cpuPerTask } from "../measure/process-cpu.js";
import { runMeasuredChild } from "../process/measured-child.js";
import { type RunningSluice, withSluice } from "../sluice/start-sluice.js";
import type { OverloadClientPlan, OverloadClientReport } from "./overload-client.js";
import {
  figuresOf,
  type OverloadCpu,
  type OverloadEvidence,
  type OverloadFigures,
  type OverloadTerms,
} from "./overload-figures.js";
import { capacityOf, slowerSleep } from "./overload-model.js";
import { durationOf, type OverloadPhase, spanOf } from "./overload-phases.js";
import { type OverloadSampler, startSampler } from "./overload-samples.js";

/** How long each part of the run is, milliseconds. */
export interface OverloadScale extends Pick<OverloadTerms, "settleMs" | "recoverMs" | "memoryMs" | "windowMs"> {
  /** At the normal rate: until code is compiled, batches are known, and as many old results go as new ones come. */
  readonly warmUpMs: number;
  readonly beforeMs: number;
  readonly overloadMs: number;
  readonly afterMs: number;
}

/** 64 rows in 84 ms: 762 a second, which leaves the CPU to those who submit three times as many. */
const TIMES = { callMs: 20, rowMs: 1 };
const CAPACITY_PER_S = capacityOf(TIMES, FULL_BATCH);
const MODEL = `sleep-${TIMES.callMs}`;
/**
 * What waits when the overload ends is worth a deadline's time, and at `NORMAL` a tenth of capacity is left to work it off:
 * that takes ten deadlines, so a longer one could not be over in time.
 */
const DEADLINE_MS = 700;
/** Enough to be no empty task; 2 KB would make the load generator compete for the CPU. */
const SHORT_TEXT_BYTES = 256;
/** At the very capacity queues have no end, so no latency would be normal. */
const NORMAL = 0.9;
const OVERLOAD = 3;
const PROBES_PER_S = 20;
/** As many results are to go as come before memory is looked at: a task is known for 70 s then. */
const SETTINGS = { "batch.mode": "adaptive", "result.ttl_s": "10", "dedupe.ttl_s": "10" };

/** Three times the load that the model can take, between normal loads, on all of Sluice. */
export async function measureOverload(context: BenchContext): Promise<OverloadFigures> {
  const { settleMs, recoverMs, memoryMs, windowMs } = context.scale.overload;
  const phases = phasesOf(context.scale.overload);
  const terms = { settleMs, recoverMs, windowMs, ...(memoryMs === undefined ? {} : { memoryMs }) };
  const served = { models: [], extraModels: [await slowerSleep(MODEL, TIMES)], settings: SETTINGS };
  return await withSluice(served, context, async (sluice) => {
    const seconds = Math.round(durationOf(phases) / 1_000);
    const label = `overload: ${OVERLOAD} times ${Math.round(CAPACITY_PER_S)}/s, ${seconds} s in all`;
    const evidence = await context.progress.step(label, () => runPhases(sluice, phases, context));
    return figuresOf({ ...terms, phases, capacityPerS: CAPACITY_PER_S, deadlineMs: DEADLINE_MS }, evidence);
  });
}

function phasesOf({ warmUpMs, beforeMs, overloadMs, afterMs }: OverloadScale): OverloadPhase[] {
  const ratePerS = NORMAL * CAPACITY_PER_S;
  return [
    { name: "warm-up", ratePerS, durationMs: warmUpMs },
    { name: "before", ratePerS, durationMs: beforeMs },
    { name: "overload", ratePerS: OVERLOAD * CAPACITY_PER_S, durationMs: overloadMs },
    { name: "after", ratePerS, durationMs: afterMs },
  ];
}

/** The load from one process, refusals timed by another, and samples by this one. */
async function runPhases(
  { origin, processes, redis, triton, stack }: RunningSluice,
  phases: readonly OverloadPhase[],
  { scale, nextSeed }: BenchContext,
): Promise<OverloadEvidence> {
  const plan = { origin, model: MODEL, textBytes: SHORT_TEXT_BYTES, deadlineMs: DEADLINE_MS };
  const probed = [{ name: "before", ratePerS: PROBES_PER_S, durationMs: durationOf(phases) }] as const;
  const pool = stack.models[0]?.definition.pool ?? "";
  const roles = processes.filter(({ name }) => ROLES.includes(name));
  const overload = spanOf(phases, "overload");
  const usage: CpuUsage[] = [];
  let sampler: OverloadSampler | undefined;
  let probing: Promise<OverloadClientReport> | undefined;
  let probeShiftMs = 0;
  const onOpen = (pid: number): void => {
    const startMs = performance.now();
    const read = (): void => void usage.push(readUsage([...processes, { name: "load generator", pid }]));
    for (const atMs of [overload.fromMs, overload.toMs]) setTimeout(read, atMs);
    sampler = startSampler({ redis, pool, triton, model: MODEL, roles });
    const onOpen = (): void => void (probeShiftMs = performance.now() - startMs);
    probing = runClient({ ...plan, phases: probed, checkEvery: 1, seed: nextSeed() }, onOpen);
    probing.catch(() => undefined);
  };
  const { checkEvery } = scale;
  const load = await runClient({ ...plan, phases, checkEvery, seed: nextSeed() }, onOpen);
  const [samples, probe] = await Promise.all([sampler?.stop() ?? [], probing]);
  if (probe === undefined) throw new Error("the load generator never began");
  return { load, probe, probeShiftMs, samples, cpu: cpuOf(usage) };
}

const ROLES = ["api", "batcher", "gpu-worker"];

function cpuOf([opened, closed]: readonly CpuUsage[]): OverloadCpu {
  if (opened === undefined || closed === undefined) throw new Error("the overload ended before its time");
  const elapsedUs = (closed.atMs - opened.atMs) * 1_000;
  return {
    cores: cpuPerTask(opened.processes, closed.processes, elapsedUs),
    othersShare: othersShare(opened, closed),
  };
}

function runClient(plan: OverloadClientPlan, onOpen: (pid: number) => void): Promise<OverloadClientReport> {
  const script = new URL("./overload-client.js", import.meta.url);
  return runMeasuredChild<OverloadClientPlan, OverloadClientReport>(script, plan, { onOpen });
}
