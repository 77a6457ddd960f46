import type { LoadedModel } from "@sluice/models";

import type { SupervisorEvent } from "../process/supervisor.js";
import type { Progress } from "../progress.js";
import type { Role } from "../roles/role.js";

/** How to run all of Sluice on this machine. */
export interface StackOptions {
  /** Gets the data of Redis, the model repository, large inputs and the logs. */
  readonly dir: string;
  /** `shipped`: what production serves; `all`: those of tests and benchmarks too; or these by name. @defaultValue shipped */
  readonly models?: "shipped" | "all" | readonly string[];
  /** Models from elsewhere, to serve beside those. */
  readonly extraModels?: readonly LoadedModel[];
  /** A Redis or a Cluster that runs elsewhere; one of our own if absent. */
  readonly redisUrl?: string;
  /** The redis-server to run; the one on PATH if absent. */
  readonly redisProgram?: string;
  /** `host:port` of the gRPC port of a Triton that runs elsewhere; one of our own if absent. */
  readonly tritonUrl?: string;
  /** How many processes of each role. @defaultValue 1 */
  readonly counts?: Partial<Record<Role, number>>;
  /** Ports that are known to be free; those of a role are for its first process. Free ones where absent. */
  readonly ports?: Partial<StackPorts>;
  /** Variables for every role, beside our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lets others than this machine reach the api without identity. @defaultValue false */
  readonly insecure?: boolean;
  /** Start processes that die again. @defaultValue false */
  readonly supervise?: boolean;
  /** Told when a process dies and when it is back. */
  readonly onEvent?: (name: string, event: SupervisorEvent) => void;
  readonly progress?: Progress;
  /** Gives up starting when it is aborted. */
  readonly signal?: AbortSignal;
}

/** Where each part listens. */
export type StackPorts = Record<Role | "redis" | "tritonHttp" | "tritonGrpc" | "tritonMetrics", number>;
