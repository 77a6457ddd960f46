import type { BenchResult, DirectRun, LoadRun } from "../bench-result.js";
import { describeLoad } from "./describe-load.js";

/** What went wrong, a sentence each: answers that were not right, tasks that did not succeed. None if all is well. */
export function problemsOf({
  generator,
  http,
  triton,
  tensors,
  text,
  overload,
  replay,
  pictures,
}: BenchResult): string[] {
  const loads: [name: string, runs: readonly LoadRun[]][] = [
    ["load generator alone", generator ?? []],
    ["hono", http?.flatOut ?? []],
    ["hono at the pace of batches", http?.paced ?? []],
    ["texts", text?.loads ?? []],
    ["replay", replay?.rows.map(({ load }) => load) ?? []],
    ["pictures", pictures?.sluice ?? []],
  ];
  const batches: [name: string, runs: readonly DirectRun[]][] = [
    ["Triton", triton ?? []],
    ["large tensors over gRPC", tensors?.grpc ?? []],
    ["large tensors through shared memory", tensors?.sharedMemory ?? []],
  ];
  return [
    ...batches.flatMap(([name, runs]) =>
      runs
        .filter(({ wrong }) => wrong > 0)
        .map(({ inFlight, wrong }) => `${name}, ${inFlight} in flight: ${wrong} batches with a wrong answer`),
    ),
    ...loads.flatMap(([name, runs]) =>
      runs.flatMap((run) => problemsOfLoad(`${name}, ${describeLoad(run)}`, run.figures)),
    ),
    ...(overload ? problemsOfLoad("overload", overload) : []),
  ];
}

function problemsOfLoad(name: string, { problems }: Pick<LoadRun["figures"], "problems">): string[] {
  return problems.map(({ kind, count, detail }) => {
    const what = kind === "wrong" ? "wrong answers" : "tasks without success";
    return `${name}: ${count} ${what}, such as ${detail}`;
  });
}
