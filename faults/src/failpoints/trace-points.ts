import { setTimeout as sleep } from "node:timers/promises";

import type { Role } from "@sluice/stack";

import type { Conductor } from "./conduct-member.js";
import type { Crew } from "./crew.js";
import type { TracedPoint } from "./plan-trials.js";
import { tracedPoints, type Watched } from "./traced-points.js";

const ROLES = ["api", "batcher", "gpu-worker"] as const;
/** Hits are told every second. */
const TOLD_MS = 1_200;

/**
 * Watches a fleet under load for `traceMs`, then while one process of each role is drained and one is killed, so that
 * the others take over what it had.
 */
export async function tracePoints(
  crew: Crew,
  { traceMs, readyMs }: { traceMs: number; readyMs: number },
): Promise<TracedPoint[]> {
  await sleep(traceMs);
  const drains = new Map<Role, number>();
  const eachRole = (pick: (conductors: readonly Conductor[]) => Promise<void>): Promise<unknown> =>
    Promise.all(ROLES.map((role) => pick(crew.conductors().filter(({ member }) => member.role === role))));
  await eachRole(async ([first]) => {
    if (first === undefined) return;
    drains.set(first.member.role, 1);
    await first.drain();
  });
  await eachRole(async (conductors) => void (await conductors.at(-1)?.kill()));
  // Beyond the lease of a shard.
  await sleep(Math.max(traceMs, 6_000) + TOLD_MS);
  const seconds = (performance.now() - readyMs) / 1_000;
  const watched = (role: Role): Watched => {
    const ours = crew.conductors().filter(({ member }) => member.role === role);
    const starts = ours.reduce((sum, conductor) => sum + conductor.starts(), 0);
    return { starts, workSeconds: seconds * ours.length, drains: drains.get(role) ?? 0 };
  };
  const [api, batcher, worker] = ROLES;
  return tracedPoints(crew.hits(), { [api]: watched(api), [batcher]: watched(batcher), [worker]: watched(worker) });
}
