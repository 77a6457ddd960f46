import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Stack, startStack, type Supervised } from "@sluice/stack";
import type { BenchContext } from "../bench-context.js";
import type { WatchedProcess } from "../measure/process-cpu.js";
import { openTritonChannel, type TritonChannel } from "../measure/triton-channel.js";

/** All of Sluice, each role a process of its own, with a Redis that keeps its log on disk and a real Triton. */
export interface RunningSluice {
  readonly origin: string;
  readonly processes: readonly WatchedProcess[];
  readonly triton: TritonChannel;
  readonly stack: Stack;
}

/** Runs `work` on a Sluice that serves `models`, and stops it whatever comes of that. */
export async function withSluice<T>(
  models: readonly string[],
  context: BenchContext,
  work: (sluice: RunningSluice) => Promise<T>,
): Promise<T> {
  // Data of an earlier run must not answer for this one.
  const dir = join(context.folder, "run");
  await rm(dir, { recursive: true, force: true });
  try {
    const stack = await startStack({ dir, models, progress: context.progress, env: profilerOf(context) });
    const triton = openTritonChannel(stack.triton.grpcUrl);
    try {
      return await work({ origin: stack.apiUrl, processes: processesOf(stack), triton, stack });
    } finally {
      triton.close();
      await stack.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function profilerOf({ profileFolder }: BenchContext): Record<string, string> {
  if (profileFolder === undefined) return {};
  const preloaded = new URL("../process/profile-process.js", import.meta.url);
  return { NODE_OPTIONS: `--import=${preloaded.href}`, PROFILE_FOLDER: profileFolder };
}

function processesOf({ roles, redis, triton }: Stack): WatchedProcess[] {
  const watch = (name: string, process: Supervised | undefined, childrenName?: string): WatchedProcess[] => {
    const pid = process?.pid();
    return pid === undefined ? [] : [{ name, pid, ...(childrenName === undefined ? {} : { childrenName }) }];
  };
  return [
    ...roles.api.flatMap((process) => watch("api", process)),
    ...roles.batcher.flatMap((process) => watch("batcher", process)),
    ...roles["gpu-worker"].flatMap((process) => watch("gpu-worker", process)),
    ...watch("redis", redis.process),
    ...watch("tritonserver", triton.process, "model"),
  ];
}
