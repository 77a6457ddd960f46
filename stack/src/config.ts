import { resolve } from "node:path";

import { projectFolders } from "./project-folders.js";
import type { StackPorts } from "./stack/stack-options.js";

/** What `npm start` reads from the environment; the roles read what is theirs by themselves. */
export interface StartConfig {
  /** REDIS_URL: a Redis or a Cluster that runs elsewhere. */
  readonly redisUrl: string | undefined;
  /** TRITON_URL: `host:port` of the gRPC port of a Triton that runs elsewhere. */
  readonly tritonUrl: string | undefined;
  /** PORT of the api, 8080 if absent, and where the others would like to listen. */
  readonly ports: StackPorts;
  /** SLUICE_DIR: gets the data of Redis, large inputs, the model repository and the logs; `.sluice` if absent. */
  readonly dir: string;
  /** HOST on which the api listens, 127.0.0.1 if absent. */
  readonly host: string;
  /** `--insecure`: others may reach the api although identity is off. */
  readonly insecure: boolean;
}

/** @throws Error that names the variable and what is wrong with it. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  args: readonly string[] = [],
): StartConfig {
  const api = env.PORT === undefined || env.PORT === "" ? 8080 : Number(env.PORT);
  if (!Number.isInteger(api) || api < 1 || api > 65_535)
    throw new Error(`PORT (${env.PORT ?? ""}) must be 1 to 65535.`);
  return {
    redisUrl: env.REDIS_URL || undefined,
    tritonUrl: env.TRITON_URL || undefined,
    dir: resolve(env.SLUICE_DIR || projectFolders.written),
    insecure: args.includes("--insecure"),
    host: env.HOST || "127.0.0.1",
    ports: {
      api,
      batcher: 9101,
      "gpu-worker": 9102,
      redis: 6379,
      tritonHttp: 8000,
      tritonGrpc: 8001,
      tritonMetrics: 8002,
    },
  };
}
