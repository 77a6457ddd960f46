import { bursts, onOff, ramp, replay } from "./arrivals.js";
import { atLoad, type Experiment } from "./experiment.js";
import { A100, A40, CAPTIONING, type GpuCurve, LINE, T4 } from "./gpu-curve.js";
import type { RandomSource } from "./random-source.js";
import { ADAPTIVE_DEFAULTS, type AdaptiveSettings } from "./simulated-policy.js";

/** One row of the report: what arrives at which servers, and by what policies are compared. */
export interface Workload {
  /** Rows with one title are one table. */
  readonly title: string;
  readonly name: string;
  /** Of what the servers can do; undefined where it changes: then there is no chart. */
  readonly load: number | undefined;
  readonly experiment: Experiment;
  /** What the adaptive rule is set to. */
  readonly settings: AdaptiveSettings;
  /** Where tasks have deadlines, goodput counts: who gives up the late ones has a lower mean for it. */
  readonly by: "mean" | "goodput";
}

const LOADS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.05, 1.2] as const;
const SIZES = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64] as const;
const HIGH_LOAD = 0.8;
/** A queue that grew by a tenth of them takes as long to go as all of them at 0.9. */
const FULL_BATCHES_TO_LEARN = 500;
/** A picture that is drawn from few tasks shall not take long for it. */
const TASKS_TO_A_BATCH_OF_WARM_UP = 20;
/** Within this an answer counts where servers have too much to do: in the unit of a full batch. */
const FULL_BATCHES_TO_DEADLINE = 2.5;

interface Servers {
  readonly curve: GpuCurve;
  readonly servers: number;
  /** Captions take so long that an objective for the others would keep their batches too small for a high load. */
  readonly sloMs?: number;
}

const SERVERS: readonly Servers[] = [
  { curve: LINE, servers: 1 },
  { curve: LINE, servers: 4 },
  { curve: A100, servers: 1 },
  { curve: A40, servers: 1 },
  { curve: T4, servers: 2 },
  { curve: CAPTIONING, servers: 1, sloMs: 5_000 },
];

/** The title of what is not compared in the long run, but while nothing is known. */
export const FROM_NOTHING = "From nothing: the first 500 full batches";

/** Every workload of the report, each with about so many tasks. @param trace arrival times, milliseconds. */
export function listWorkloads(tasks: number, trace: readonly number[]): Workload[] {
  return [
    ...SERVERS.flatMap((servers) => LOADS.map((load) => poissonWorkload(servers, load, tasks))),
    ...arrivalWorkloads(tasks, trace),
    ...serverWorkloads(tasks),
    ...wrongCurveWorkloads(tasks),
    ...taskWorkloads(tasks),
    ...unknownWorkloads(),
  ];
}

/**
 * For so many tasks, but a few seconds at least. At a high load what is compared is how they do in the long run: more
 * tasks, and none before the times are learned and the queue that grew meanwhile is gone.
 */
function lasting(tasks: number, experiment: Experiment & { readonly perSecond: number }, load: number): Experiment {
  const { curve, perSecond } = experiment;
  const seconds = Math.max(2, tasks / perSecond);
  if (load < HIGH_LOAD || load > 1) return { ...experiment, seconds };
  const warmUpMs = Math.min(FULL_BATCHES_TO_LEARN, tasks / TASKS_TO_A_BATCH_OF_WARM_UP) * curve.meanMs(64);
  return { ...experiment, warmUpMs, seconds: warmUpMs / 1_000 + 3 * seconds };
}

function poissonWorkload(
  { curve, servers, sloMs = ADAPTIVE_DEFAULTS.sloMs }: Servers,
  load: number,
  tasks: number,
): Workload {
  const title = titleOf(curve, servers);
  const tooMuch = load > 1;
  const deadlineMs = FULL_BATCHES_TO_DEADLINE * curve.meanMs(64);
  const experiment = lasting(
    tasks,
    atLoad(curve, load, { servers, ...(tooMuch ? { deadlinesMs: [deadlineMs] } : {}) }),
    load,
  );
  const settings = { ...ADAPTIVE_DEFAULTS, sloMs: tooMuch ? deadlineMs : sloMs };
  return { title, name: "Poisson", load, experiment, settings, by: tooMuch ? "goodput" : "mean" };
}

function titleOf({ name }: GpuCurve, servers: number): string {
  return `${name.includes(" ") ? `${name} ms` : name}${servers === 1 ? "" : `, ${servers} servers`}`;
}

function arrivalWorkloads(tasks: number, trace: readonly number[]): Workload[] {
  const rates = { lowPerSecond: 100, highPerSecond: 2_500, stayMs: 500 };
  const lastMs = trace.at(-1) ?? 0;
  const kinds: readonly { name: string; seconds: number; arrivals: Experiment["arrivals"] }[] = [
    { name: "bursts: 100/s and 2,500/s", seconds: tasks / 1_300, arrivals: (random) => bursts(rates, random) },
    { name: "2,000/s on and off", seconds: tasks / 1_000, arrivals: (random) => onOff(2_000, 300, random) },
    { name: "a ramp to 2,900/s", seconds: tasks / 1_450, arrivals: (random) => ramp(2_900, tasks / 1.45, random) },
    { name: "a trace", seconds: lastMs / 1_000, arrivals: () => replay(trace) },
  ];
  return [LINE, A100].flatMap((curve) =>
    kinds.map(({ name, ...change }) => ({
      ...workloadOn("Arrivals", `${curve.name}: ${name}`, atLoad(curve, 0.5, change)),
      load: undefined,
    })),
  );
}

function serverWorkloads(tasks: number): Workload[] {
  const noises = [0, 0.1, 0.2, 0.3].map((noise) =>
    workloadOn("Noise and servers", `noise ${noise}, load 0.7`, lasting(tasks, atLoad(LINE, 0.7, { noise }), 0.7)),
  );
  const slots = [1, 2, 4, 8].flatMap((servers) =>
    [0.3, 0.6, 0.9].map((load) =>
      workloadOn(
        "Noise and servers",
        `${servers} server${servers === 1 ? "" : "s"}, load ${load}`,
        lasting(tasks, atLoad(LINE, load, { servers }), load),
      ),
    ),
  );
  return [...noises, ...slots];
}

function wrongCurveWorkloads(tasks: number): Workload[] {
  return [0.75, 1.25].flatMap((factor) =>
    [0.3, 0.6, 0.9].map((load) => {
      const name = `believed ${factor} x as slow, load ${load}`;
      const experiment = atLoad(LINE, load);
      const seconds = Math.max(2, (3 * tasks) / experiment.perSecond);
      const workload = workloadOn("A wrong curve at first", name, { ...experiment, seconds });
      return { ...workload, settings: { ...workload.settings, known: knownOf(LINE, factor) } };
    }),
  );
}

/** What it costs to learn: nothing is known, and all counts from the first task on. Tables outlive a batcher, so it is paid once. */
function unknownWorkloads(): Workload[] {
  return SERVERS.flatMap(({ curve, servers, sloMs = ADAPTIVE_DEFAULTS.sloMs }) =>
    [0.5, 0.8, 0.9].map((load) => {
      const name = `${titleOf(curve, servers)}, load ${load}`;
      const seconds = (FULL_BATCHES_TO_LEARN * curve.meanMs(64)) / 1_000;
      const workload = workloadOn(FROM_NOTHING, name, atLoad(curve, load, { servers, seconds, warmUpMs: 0 }));
      return { ...workload, settings: { ...workload.settings, sloMs } };
    }),
  );
}

function knownOf(curve: GpuCurve, factor: number): AdaptiveSettings["known"] {
  return SIZES.flatMap((size) => Array.from({ length: 16 }, () => ({ size, serviceMs: factor * curve.meanMs(size) })));
}

function taskWorkloads(tasks: number): Workload[] {
  const at = (name: string, load: number, change: Partial<Experiment>): Workload =>
    workloadOn("Tasks", `${name}, load ${load}`, lasting(tasks, atLoad(LINE, load, change), load));
  const duplicates = [0.8, 1, 1.2].map((exponent) =>
    at(`duplicates, Zipf ${exponent}`, 0.9, { inputs: { count: 10_000, exponent } }),
  );
  const canceled = [0.5, 0.9].map((load) => at("5 of 100 canceled", load, { cancelShare: 0.05 }));
  const deadlines = [0.5, 0.9, 1.2].map((load): Workload => ({
    ...at("deadlines of 30, 100 and 1,000 ms", load, { deadlinesMs: [30, 100, 1_000] }),
    by: "goodput",
  }));
  return [...duplicates, ...canceled, ...deadlines];
}

function workloadOn(title: string, name: string, experiment: Experiment): Workload {
  return { title, name, load: undefined, experiment, settings: ADAPTIVE_DEFAULTS, by: "mean" };
}

/** Arrival times whose gaps are log-normal with a long tail, about so many a second: for want of a recorded trace. */
export function makeTrace(count: number, perSecond: number, random: RandomSource): number[] {
  let nowMs = 0;
  return Array.from({ length: count }, () => (nowMs += (1_000 / perSecond) * random.noise(3)));
}
