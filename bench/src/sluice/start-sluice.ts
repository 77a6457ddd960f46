import { rm } from "node:fs/promises";
import { join } from "node:path";
import { connectRedis, keys, parseRedisUrl, type RedisClient } from "@sluice/broker";
import { type Stack, type StackOptions, startStack, type Supervised } from "@sluice/stack";
import { pino } from "pino";
import type { BenchContext } from "../bench-context.js";
import type { WatchedProcess } from "../measure/process-cpu.js";
import { openTritonChannel, type TritonChannel } from "../measure/triton-channel.js";

/** All of Sluice, each role a process of its own, with a Redis that keeps its log on disk and a real Triton. */
export interface RunningSluice {
  readonly origin: string;
  readonly processes: readonly WatchedProcess[];
  readonly triton: TritonChannel;
  readonly redis: RedisClient;
  readonly stack: Stack;
}

/** What a Sluice serves, and how. */
export interface Served extends Pick<StackOptions, "extraModels"> {
  /** Models of this project by name. */
  readonly models: readonly string[];
  /** Live settings other than the defaults, as they stand in `sluice:config`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Environment of the roles. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `work` on a Sluice that serves these models, and stops it whatever comes of that. */
export async function withSluice<T>(
  { models, extraModels = [], settings = {}, env = {} }: Served,
  context: BenchContext,
  work: (sluice: RunningSluice) => Promise<T>,
): Promise<T> {
  // Data of an earlier run must not answer for this one.
  const dir = join(context.folder, "run");
  await rm(dir, { recursive: true, force: true });
  try {
    const stack = await startStack({
      ...{ dir, models, extraModels, progress: context.progress },
      env: { ...profilerOf(context), ...env },
    });
    try {
      return await withConnections(stack, async (connections) => {
        // Roles look at them every second; no part measures in the first.
        if (Object.keys(settings).length > 0) await connections.redis.hset(keys.config, settings);
        return await work({ ...connections, origin: stack.apiUrl, processes: processesOf(stack), stack });
      });
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function withConnections<T>(
  stack: Stack,
  work: (connections: Pick<RunningSluice, "triton" | "redis">) => Promise<T>,
): Promise<T> {
  const redis = await connectRedis(parseRedisUrl(stack.redis.url), pino({ level: "warn" }));
  const triton = openTritonChannel(stack.triton.grpcUrl);
  try {
    return await work({ triton, redis });
  } finally {
    triton.close();
    redis.disconnect();
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
