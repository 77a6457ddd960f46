import { setTimeout as sleep } from "node:timers/promises";

import type { Role } from "@sluice/stack";

import type { Fleet, FleetMember } from "../roles/start-fleet.js";
import type { TcpBalancer } from "./tcp-balancer.js";

/** One process that was stopped in order and started again. Times in ms. */
export interface Restart {
  readonly role: Role;
  readonly name: string;
  readonly atMs: number;
  /** From SIGTERM to its end. */
  readonly stopMs: number;
  /** From its start until it was ready. */
  readonly startMs: number;
  /** `0`, another exit code, or a signal if it had to be killed. */
  readonly exit: string;
}

/** More than any role needs: a gpu-worker waits 10 s for its batches. */
const GRACE_MS = 25_000;
/** Between two processes, as an orchestrator waits. */
const SETTLE_MS = 500;
const BALANCER_MS = 5_000;

/** Restarts the processes of a role by SIGTERM, one after the other, each when the one before is ready again. */
export async function rollRole(
  role: Role,
  fleet: Fleet,
  balancer: TcpBalancer,
  onRestart: (restart: Restart) => void,
): Promise<void> {
  for (const member of fleet.ofRole(role)) {
    onRestart(await restart(member));
    if (role === "api") await untilBalanced(member, balancer);
    await sleep(SETTLE_MS);
  }
}

async function restart(member: FleetMember): Promise<Restart> {
  const { role, name } = member;
  const atMs = Date.now();
  const { code, signal } = await member.terminate(GRACE_MS);
  const endedMs = Date.now();
  await member.restart();
  return { role, name, atMs, stopMs: endedMs - atMs, startMs: Date.now() - endedMs, exit: signal ?? String(code) };
}

async function untilBalanced({ name }: FleetMember, balancer: TcpBalancer): Promise<void> {
  for (const endMs = Date.now() + BALANCER_MS; !balancer.isReady(name) && Date.now() < endMs;) await sleep(50);
}
