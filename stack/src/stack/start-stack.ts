import { join } from "node:path";

import { type LoadedModel, loadModels, writeTritonRepository } from "@sluice/models";

import { silentProgress } from "../progress.js";
import { projectFolders } from "../project-folders.js";
import { registerLoadedModels } from "../roles/register-loaded-models.js";
import type { Role } from "../roles/role.js";
import { prepareTriton, type TritonInstallation } from "../triton/prepare-triton.js";
import type { StackOptions } from "./stack-options.js";
import {
  createStackParts,
  type RoleProcess,
  type StackParts,
  type StackRedis,
  type StackTriton,
} from "./stack-parts.js";

/** All of Sluice, running. */
export interface Stack {
  /** Of the first api: `http://127.0.0.1:PORT` */
  readonly apiUrl: string;
  readonly roles: Readonly<Record<Role, readonly RoleProcess[]>>;
  readonly redis: StackRedis;
  readonly triton: StackTriton;
  readonly models: readonly LoadedModel[];
  /** Holds NAME.log of every process. */
  readonly logFolder: string;
  /** Ends everything in order: api, batcher, gpu-worker, triton, redis. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL for everything at once; `stop` still resolves when all is gone. */
  forceStop(): void;
}

/**
 * Starts Redis, Triton and the roles as processes of their own, and resolves when each is ready. The packages must be
 * built. Whatever was started is stopped again if something does not come up.
 * @throws like loadModels, prepareTriton and the starters of the parts.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const progress = options.progress ?? silentProgress;
  const models = [...(await loadWanted(options.models ?? "shipped")), ...(options.extraModels ?? [])];
  const repository = join(options.dir, "repository");
  // A Triton elsewhere is likely NVIDIA's image, which runs ONNX models by itself.
  await writeTritonRepository(models, repository, options.tritonUrl === undefined ? "python" : "onnxruntime");
  const installation = options.tritonUrl === undefined ? await prepareTriton(undefined, progress) : undefined;
  const parts = await createStackParts(options);
  try {
    const started = await startParts({ ...options, parts, models, repository, installation });
    return {
      ...started,
      models,
      apiUrl: started.roles.api[0]?.url ?? "",
      logFolder: parts.logFolder,
      stop: () => parts.stop(),
      forceStop: () => parts.forceStop(),
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

interface StartPlan extends Omit<StackOptions, "models"> {
  readonly parts: StackParts;
  readonly models: readonly LoadedModel[];
  readonly repository: string;
  readonly installation: TritonInstallation | undefined;
}

/** From back to front: when the api opens, it finds all that it needs. */
async function startParts(plan: StartPlan): Promise<Pick<Stack, "redis" | "triton" | "roles">> {
  const { parts, progress = silentProgress } = plan;
  const isOwn = { redis: plan.redisUrl === undefined, triton: plan.tritonUrl === undefined };
  const redis = await progress.step(isOwn.redis ? "Starting Redis" : "Looking for Redis", async () => {
    const found = await startOrUseRedis(plan);
    await registerLoadedModels(found.url, plan.models);
    return found;
  });
  const env = { REDIS_URL: redis.url, BLOB_DIR: join(plan.dir, "blobs"), ...plan.env };
  const [triton, batcher] = await progress.step(`Starting ${isOwn.triton ? "Triton and " : ""}batcher`, async () => {
    const starting = [startOrUseTriton(plan), parts.startRole("batcher", env)] as const;
    // Both also if one fails, so that nothing comes up after everything was stopped.
    await Promise.allSettled(starting);
    return Promise.all(starting);
  });
  const waits = isOwn.triton ? "" : ` (it waits for Triton at ${triton.grpcUrl})`;
  const worker = await progress.step(`Starting gpu-worker${waits}`, () =>
    parts.startRole("gpu-worker", { ...env, ...addressesOf(triton) }),
  );
  const api = await progress.step("Starting api", () => parts.startRole("api", env));
  return { redis, triton, roles: { api, batcher, "gpu-worker": worker } };
}

/** A Triton elsewhere has its page of metrics where the environment says, or where it is by default. */
function addressesOf({ grpcUrl, metricsUrl }: StackTriton): Record<string, string> {
  return { TRITON_URL: grpcUrl, ...(metricsUrl === undefined ? {} : { TRITON_METRICS_URL: metricsUrl }) };
}

async function startOrUseRedis({ redisUrl, parts }: StartPlan): Promise<StackRedis> {
  return redisUrl === undefined ? parts.startRedis() : { url: redisUrl, process: undefined };
}

async function startOrUseTriton({ tritonUrl, installation, parts, repository }: StartPlan): Promise<StackTriton> {
  if (installation !== undefined) return parts.startTriton(installation, repository);
  return { grpcUrl: tritonUrl ?? "", httpUrl: undefined, metricsUrl: undefined, process: undefined };
}

async function loadWanted(wanted: "shipped" | "all" | readonly string[]): Promise<LoadedModel[]> {
  const models = await loadModels(projectFolders.models, { includeTest: wanted !== "shipped" });
  return typeof wanted === "string" ? models : models.filter(({ definition }) => wanted.includes(definition.name));
}
