import type { BenchResult, LoadRun } from "../bench-result.js";
import { SELDOM_PER_S } from "../bench-scale.js";
import type { Pace } from "../load/load-plan.js";
import { directFloor, flatOutHttpFloor, pacedHttpFloor, ratio } from "./floors.js";

/** What Sluice is meant to reach, and what it has reached. */
export interface Target {
  readonly name: string;
  readonly unit: "x" | "ms" | "us" | "%" | "";
  /** Undefined if a part that it needs did not run. */
  readonly value: number | undefined;
  /** Without a limit it is shown for information. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

const FULL_LOAD: Pace = { kind: "closed", clients: 256 };
const SELDOM: Pace = { kind: "open", ratePerS: SELDOM_PER_S };
const BUSY: Pace = { kind: "open", ratePerS: 2_000 };

/** What adaptive batches are meant to reach beyond fixed ones: full ones under load, and no window to wait for. */
const LEAST_OF_DIRECT = { fixed: 0.85, adaptive: 0.95 } as const;

/** All targets are about texts, one request a task; at full load, which is 256 clients, where they do not say another. */
export function targetsOf(result: BenchResult): Target[] {
  const run = textRun(result, FULL_LOAD);
  const cpu = (name: string): number | undefined => run?.figures.cpuUs[name];
  const rolesUs = sum(cpu("batcher"), cpu("gpu-worker"));
  return [
    {
      name: "throughput, of full batches straight to Triton, 2 in flight",
      unit: "x",
      value: ratio(run?.figures.perS, directFloor(result)?.perS),
      atLeast: LEAST_OF_DIRECT[result.text?.mode ?? "fixed"],
    },
    { name: "p99", unit: "ms", value: run?.figures.p99Ms, atMost: 250 },
    {
      name: "api CPU per task, of a hono route with one EVALSHA and one read, at the pace of batches",
      unit: "x",
      value: ratio(cpu("api"), pacedHttpFloor(result)?.figures.cpuUs["hono"]),
      atMost: 1.6,
    },
    {
      name: "the same, of the hono route flat out",
      unit: "x",
      value: ratio(cpu("api"), flatOutHttpFloor(result)?.figures.cpuUs["hono"]),
    },
    { name: "batcher and gpu-worker CPU per task", unit: "us", value: rolesUs, atMost: 80 },
    ...(result.text?.mode === "adaptive" ? adaptiveTargets(result) : []),
  ];
}

function adaptiveTargets(result: BenchResult): Target[] {
  const seldomMs = textRun(result, SELDOM)?.figures.p50Ms;
  const singleMs = result.text?.single?.p50Ms;
  return [
    {
      name: `${SELDOM_PER_S}/s: p50 above that of single rows straight to Triton`,
      unit: "ms",
      value: seldomMs === undefined || singleMs === undefined ? undefined : seldomMs - singleMs,
      atMost: 4,
    },
    { name: "2,000/s: p99", unit: "ms", value: textRun(result, BUSY)?.figures.p99Ms, atMost: 60 },
  ];
}

/** Undefined if it was not measured, or is shown for information only. */
export function isMet({ value, atLeast, atMost }: Target): boolean | undefined {
  if (value === undefined || (atLeast === undefined && atMost === undefined)) return undefined;
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
}

function textRun(result: BenchResult, wanted: Pace): LoadRun | undefined {
  return result.text?.loads.find(({ exchange, pace }) => exchange === "submit-and-wait" && isSame(pace, wanted));
}

function isSame(a: Pace, b: Pace): boolean {
  if (a.kind === "closed") return b.kind === "closed" && a.clients === b.clients;
  return b.kind === "open" && a.ratePerS === b.ratePerS;
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
