import { join } from "node:path";

import { freePort, HTTP_VARIABLES, launchRole, type Role, roleUrl } from "@sluice/stack";

import { type ManagedProcess, manageProcess, type UnplannedExit } from "../managed-process.js";
import { startTcpLink, type TcpLink } from "../proxy/tcp-link.js";
import type { Topology } from "../topology/topology.js";

/** One process of a role. */
export interface FleetMember extends ManagedProcess {
  readonly role: Role;
  /** Where it answers HTTP, past its link. */
  readonly url: string;
  /** In front of an api: what clients use. In front of the oracle: what this gpu-worker uses. */
  readonly link: TcpLink | undefined;
}

/** All processes of the roles. */
export interface Fleet {
  readonly members: readonly FleetMember[];
  ofRole(role: Role): readonly FleetMember[];
  links(): readonly TcpLink[];
  stop(): Promise<void>;
}

/** How to start it. */
export interface FleetOptions {
  /** Holds the copied programs, gets blobs and logs. */
  readonly dir: string;
  readonly topology: Topology;
  readonly oraclePort: number;
  readonly counts: Readonly<Record<Role, number>>;
  readonly env?: Readonly<Record<string, string>>;
  /** More variables of one process. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  readonly onUnplannedExit: (exit: UnplannedExit) => void;
}

/** Starts batchers and gpu-workers, then apis: the way `npm start` does it, each behind links. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const members: FleetMember[] = [];
  const fleet: Fleet = {
    members,
    ofRole: (role) => members.filter((member) => member.role === role),
    links: () => members.flatMap((member) => member.link ?? []),
    async stop() {
      await Promise.all(members.map((member) => member.stop()));
      await Promise.all(fleet.links().map((link) => link.stop()));
    },
  };
  try {
    for (const role of ["batcher", "gpu-worker", "api"] as const) {
      const starting = Array.from({ length: options.counts[role] }, (_, index) =>
        startMember(role, `${role}-${index + 1}`, options),
      );
      const results = await Promise.allSettled(starting);
      for (const result of results) if (result.status === "fulfilled") members.push(result.value);
      for (const result of results) if (result.status === "rejected") throw result.reason;
    }
    return fleet;
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

async function startMember(role: Role, name: string, options: FleetOptions): Promise<FleetMember> {
  const port = await freePort();
  const link = await linkOf(role, name, port, options.oraclePort);
  const env = {
    ...process.env,
    REDIS_URL: await options.topology.urlFor(name),
    ...options.topology.envFor(name),
    BLOB_DIR: join(options.dir, "blobs"),
    ...(role === "gpu-worker" ? { TRITON_URL: link?.address } : {}),
    ...options.env,
    ...options.envOf?.(name),
    [HTTP_VARIABLES[role].port]: String(port),
  };
  const logFile = join(options.dir, "logs", `${name}.log`);
  const launch = () => launchRole({ name, role, env, logFile, root: join(options.dir, "programs"), readyMs: 90_000 });
  const managed = await manageProcess(name, launch, options.onUnplannedExit);
  return { ...managed, role, url: roleUrl(role, env), link };
}

async function linkOf(role: Role, name: string, port: number, oraclePort: number): Promise<TcpLink | undefined> {
  if (role === "api") return startTcpLink({ name: `client>${name}`, targetPort: port });
  if (role === "gpu-worker") return startTcpLink({ name: `${name}>oracle`, targetPort: oraclePort });
  return undefined;
}
