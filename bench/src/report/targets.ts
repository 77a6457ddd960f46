import type { BenchResult, LoadRun } from "../bench-result.js";
import { directFloor, flatOutHttpFloor, pacedHttpFloor, ratio } from "./floors.js";

/** What Sluice is meant to reach under full load, and what it has reached. */
export interface Target {
  readonly name: string;
  readonly unit: "x" | "ms" | "us";
  /** Undefined if a part that it needs did not run. */
  readonly value: number | undefined;
  /** Without a limit it is shown for information. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** All targets are about texts from 256 clients, one request a task. */
export function targetsOf(result: BenchResult): Target[] {
  const run = result.text?.find(isFullLoad);
  const cpu = (name: string): number | undefined => run?.figures.cpuUs[name];
  const rolesUs = sum(cpu("batcher"), cpu("gpu-worker"));
  return [
    {
      name: "throughput, of full batches straight to Triton, 2 in flight",
      unit: "x",
      value: ratio(run?.figures.perS, directFloor(result)?.perS),
      atLeast: 0.85,
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
  ];
}

/** Undefined if it was not measured, or is shown for information only. */
export function isMet({ value, atLeast, atMost }: Target): boolean | undefined {
  if (value === undefined || (atLeast === undefined && atMost === undefined)) return undefined;
  return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
}

function isFullLoad({ exchange, pace }: LoadRun): boolean {
  return exchange === "submit-and-wait" && pace.kind === "closed" && pace.clients === 256;
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
