import { percentile } from "../measure/percentile.js";
import type { OverloadClientReport } from "./overload-client.js";
import { type OverloadPhase, partOf, type PhaseName, type Span, spanOf } from "./overload-phases.js";
import type { OverloadSample } from "./overload-samples.js";
import { fromColumns, type OverloadTask } from "./overload-tasks.js";

/** What is done, and what of it counts. */
export interface OverloadTerms {
  /** Rows per second of full batches. */
  readonly capacityPerS: number;
  readonly deadlineMs: number;
  readonly phases: readonly OverloadPhase[];
  /** So long after the overload has begun goodput and memory count. */
  readonly settleMs: number;
  /** So long after its end latency is to be normal again. */
  readonly recoverMs: number;
  /** Memory at the overload's end is set against that at its beginning, each over so long; not judged if absent. */
  readonly memoryMs?: number;
  /** Length of a row of the timeline. */
  readonly windowMs: number;
}

/** What was seen: by those who make the load, by a client that has nothing else to do, and in the processes. */
export interface OverloadEvidence {
  readonly load: OverloadClientReport;
  readonly probe: OverloadClientReport;
  /** The probe began so long after the load. */
  readonly probeShiftMs: number;
  readonly samples: readonly OverloadSample[];
  readonly cpu: OverloadCpu;
}

/** Who used the CPU while the overload was on. */
export interface OverloadCpu {
  /** Cores by process. */
  readonly cores: Readonly<Record<string, number>>;
  /** Part of the machine's CPU, 0..1, that went to processes which are not part of the run. */
  readonly othersShare: number;
}

/** Median and 99th percentile, milliseconds; NaN of nothing. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A part of the run. Tasks count where they were due, but goodput where its results came. */
export interface TimelineRow {
  readonly phase: PhaseName;
  /** Seconds since the overload began. */
  readonly fromS: number;
  readonly toS: number;
  readonly offeredPerS: number;
  readonly acceptedPerS: number;
  readonly inTimePerS: number;
  /** Accepted, and done too late or given up, per second. */
  readonly latePerS: number;
  readonly expiredPerS: number;
  /** Of what was done, from when it was due to its result. */
  readonly latency: Latency;
  /** As the idle client saw it. */
  readonly refusalP99Ms: number;
  readonly openRuns: number;
  /** Rows per execution, by Triton's statistics. */
  readonly meanBatch: number;
  readonly memoryMb: Readonly<Record<string, number>>;
}

/** What an overload has shown. */
export interface OverloadFigures {
  readonly terms: OverloadTerms;
  /** Done in time per second, while the overload was on and had settled. */
  readonly goodputPerS: number;
  /** Of the tasks sent since the overload began. */
  readonly accepted: number;
  readonly inTime: number;
  /** In the whole run, of both clients. */
  readonly refusals: number;
  readonly misrefusals: number;
  readonly codes: Readonly<Record<string, number>>;
  /** While the overload was on, as the idle client saw it. */
  readonly refusal: Latency;
  readonly memory: readonly { readonly name: string; readonly earlyMb: number; readonly lateMb: number }[];
  readonly before: Latency;
  readonly after: Latency;
  readonly timeline: readonly TimelineRow[];
  readonly cpu: OverloadCpu;
  /** Answers that were none, or not right, in the whole run, with an example. */
  readonly problems: readonly { readonly kind: "wrong" | "failed"; readonly count: number; readonly detail: string }[];
  /** By how much the load generator itself was late, 99th percentile. */
  readonly lateP99Ms: number;
}

/** Sums up what was seen. Pure. */
export function figuresOf(terms: OverloadTerms, evidence: OverloadEvidence): OverloadFigures {
  const { load, probe, probeShiftMs } = evidence;
  const tasks = fromColumns(load.tasks);
  const probes = fromColumns(probe.tasks, probeShiftMs);
  const all = [...tasks, ...probes];
  const overload = spanOf(terms.phases, "overload");
  const settled = partOf(overload, terms.settleMs);
  const since = tasks.filter((task) => task.sentMs >= overload.fromMs && isAccepted(task));
  return {
    terms,
    goodputPerS: perS(tasks.filter((task) => isInTime(task) && isIn(settled, task.endMs)).length, settled),
    accepted: since.length,
    inTime: since.filter(isInTime).length,
    refusals: countOf(all, "refused"),
    misrefusals: countOf(all, "misrefused"),
    codes: addUp(load.codes, probe.codes),
    refusal: latencyOf(
      probes.filter((task) => isRefused(task) && isIn(overload, task.sentMs)),
      "sentMs",
    ),
    memory: memoryOf(evidence.samples, settled, terms.memoryMs),
    before: latencyOf(doneIn(tasks, spanOf(terms.phases, "before"))),
    after: latencyOf(doneIn(tasks, partOf(spanOf(terms.phases, "after"), terms.recoverMs))),
    timeline: timelineOf(terms, { tasks, probes, samples: evidence.samples }),
    cpu: evidence.cpu,
    problems: (["wrong", "failed"] as const).flatMap((kind) => {
      const detail = load.examples[kind] ?? probe.examples[kind] ?? "";
      return countOf(all, kind) === 0 ? [] : [{ kind, count: countOf(all, kind), detail }];
    }),
    lateP99Ms: load.lateP99Ms,
  };
}

function timelineOf(
  { phases, windowMs }: OverloadTerms,
  seen: {
    readonly tasks: readonly OverloadTask[];
    readonly probes: readonly OverloadTask[];
    readonly samples: readonly OverloadSample[];
  },
): TimelineRow[] {
  const zeroMs = spanOf(phases, "overload").fromMs;
  const names: PhaseName[] = ["before", "overload", "after"];
  return names.flatMap((phase) =>
    windowsOf(spanOf(phases, phase), windowMs).map((span) => {
      const due = seen.tasks.filter((task) => isIn(span, task.dueMs));
      const samples = seen.samples.filter(({ atMs }) => isIn(span, atMs));
      return {
        phase,
        fromS: (span.fromMs - zeroMs) / 1_000,
        toS: (span.toMs - zeroMs) / 1_000,
        offeredPerS: perS(due.length, span),
        acceptedPerS: perS(due.filter(isAccepted).length, span),
        inTimePerS: perS(seen.tasks.filter((task) => isInTime(task) && isIn(span, task.endMs)).length, span),
        latePerS: perS(countOf(due, "late"), span),
        expiredPerS: perS(countOf(due, "expired"), span),
        latency: latencyOf(doneIn(due, span)),
        refusalP99Ms: latencyOf(
          seen.probes.filter((task) => isRefused(task) && isIn(span, task.sentMs)),
          "sentMs",
        ).p99Ms,
        openRuns: mean(samples.flatMap(({ openRuns }) => openRuns ?? [])),
        meanBatch: meanBatch(samples),
        memoryMb: meanMemory(samples),
      };
    }),
  );
}

function meanBatch(samples: readonly OverloadSample[]): number {
  const [first, last] = [samples[0]?.executed, samples.at(-1)?.executed];
  return first && last ? (last.rows - first.rows) / (last.batches - first.batches) : Number.NaN;
}

function windowsOf({ fromMs, toMs }: Span, windowMs: number): Span[] {
  const count = Math.ceil((toMs - fromMs) / windowMs);
  return Array.from({ length: count }, (_, index) => partOf({ fromMs, toMs }, index * windowMs, windowMs));
}

function memoryOf(
  samples: readonly OverloadSample[],
  settled: Span,
  memoryMs: number | undefined,
): OverloadFigures["memory"] {
  if (memoryMs === undefined) return [];
  const inSpan = (span: Span): OverloadSample[] => samples.filter(({ atMs }) => isIn(span, atMs));
  const early = meanMemory(inSpan(partOf(settled, 0, memoryMs)));
  const late = meanMemory(inSpan({ fromMs: settled.toMs - memoryMs, toMs: settled.toMs }));
  return Object.entries(early).map(([name, earlyMb]) => ({ name, earlyMb, lateMb: late[name] ?? Number.NaN }));
}

function meanMemory(samples: readonly OverloadSample[]): Record<string, number> {
  const names = Object.keys(samples[0]?.memoryMb ?? {});
  return Object.fromEntries(
    names.map((name) => [name, mean(samples.map(({ memoryMb }) => memoryMb[name] ?? Number.NaN))]),
  );
}

function doneIn(tasks: readonly OverloadTask[], span: Span): OverloadTask[] {
  return tasks.filter((task) => isIn(span, task.dueMs) && (task.outcome === "in-time" || task.outcome === "late"));
}

function latencyOf(tasks: readonly OverloadTask[], since: "dueMs" | "sentMs" = "dueMs"): Latency {
  const sorted = Float64Array.from(tasks, (task) => task.endMs - task[since]).sort();
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

const isIn = ({ fromMs, toMs }: Span, atMs: number): boolean => atMs >= fromMs && atMs < toMs;
const isInTime = ({ outcome }: OverloadTask): boolean => outcome === "in-time";
const isRefused = ({ outcome }: OverloadTask): boolean => outcome === "refused" || outcome === "misrefused";
const isAccepted = (task: OverloadTask): boolean => !isRefused(task);

function countOf(tasks: readonly OverloadTask[], outcome: OverloadTask["outcome"]): number {
  return tasks.filter((task) => task.outcome === outcome).length;
}

function addUp(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}

function perS(count: number, { fromMs, toMs }: Span): number {
  return (count * 1_000) / (toMs - fromMs);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
