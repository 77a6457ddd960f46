import type { LoadPlan } from "../load/load-plan.js";
import type { LoadReport } from "../load/load-recorder.js";
import { runLoad } from "../load/run-load.js";
import { type CpuUsage, othersShare, readUsage } from "./cpu-usage.js";
import { cpuPerTask, type WatchedProcess } from "./process-cpu.js";
import type { TritonChannel } from "./triton-channel.js";

/** Whose figures are taken while a load is on. */
export interface Watched {
  readonly processes: readonly WatchedProcess[];
  /** Whose counters tell batches and rows, if there is a model behind the server. */
  readonly triton?: { readonly channel: TritonChannel; readonly model: string };
}

/** What one load has shown. */
export interface LoadFigures extends LoadReport {
  /** Microseconds of CPU per answered task in the window, by process; `load generator` among them. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Part of the machine's CPU, 0..1, that went to processes which are not watched: much of it spoils all other figures. */
  readonly othersShare: number;
  /** Rows per execution in the window, by Triton's statistics; undefined without a model. */
  readonly meanBatch?: number;
  /** Rows that the model ran from the first task to the last answer, per task submitted: 1 if nothing ran twice. */
  readonly rowsPerTask?: number;
}

/** Puts a load on a server and reads counters as its window opens and closes. */
export async function measureLoad(plan: LoadPlan, { processes, triton }: Watched): Promise<LoadFigures> {
  const usage: CpuUsage[] = [];
  const rows: Promise<RowCount>[] = [];
  const read = (generatorPid: number): void => {
    usage.push(readUsage([...processes, { name: "load generator", pid: generatorPid }]));
    if (triton) rows.push(readRows(triton.channel, triton.model));
  };
  const rowsBefore = triton && (await readRows(triton.channel, triton.model));
  const report = await runLoad(plan, { onOpen: read, onClose: read });
  const rowsAfter = triton && (await readRows(triton.channel, triton.model));
  const [opened, closed] = usage;
  if (opened === undefined || closed === undefined) throw new Error("the load generator reported no window");
  const [rowsOpened, rowsClosed] = await Promise.all(rows);
  return {
    ...report,
    cpuUs: cpuPerTask(opened.processes, closed.processes, report.answered),
    othersShare: othersShare(opened, closed),
    ...(rowsOpened && rowsClosed ? { meanBatch: meanBatch(rowsOpened, rowsClosed) } : {}),
    ...(rowsBefore && rowsAfter ? { rowsPerTask: (rowsAfter.rows - rowsBefore.rows) / report.submitted } : {}),
  };
}

interface RowCount {
  readonly rows: number;
  readonly batches: number;
}

async function readRows(channel: TritonChannel, model: string): Promise<RowCount> {
  const { inferenceCount, executionCount } = await channel.statistics(model);
  return { rows: inferenceCount, batches: executionCount };
}

function meanBatch(before: RowCount, after: RowCount): number {
  return (after.rows - before.rows) / (after.batches - before.batches);
}
