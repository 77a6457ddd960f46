import { type Expected, isBefore, type Moment, timeOf } from "../unknown.js";
import type { World } from "../world.js";

/** How long a key is remembered, and how long an attempt may be silent. */
const KEY_TTL_MS = 86_400_000;
const TAKE_OVER_MS = 5_000;

/** A request binds its key, before its task is admitted. */
export function bind(
  world: World,
  now: Moment,
  key: string,
  request: {
    readonly fingerprint: string;
    readonly taskId: string;
    readonly version: string;
    readonly keptMs: number;
  },
): Expected {
  const bound = world.idempotency.get(key);
  const mayTake = bound?.admitted === false && bound.fingerprint === request.fingerprint;
  const forgotten = bound && isBefore(bound.since, timeOf(now).plus(-bound.keptMs));
  if (!bound || (mayTake && forgotten)) {
    const expires = timeOf(now).plus(KEY_TTL_MS);
    const held = { attempt: 1, since: timeOf(now), vacant: false, admitted: false };
    world.idempotency.set(key, { ...request, ...held, expires });
    return { taskId: request.taskId, version: request.version, admitted: false, remembered: true, attempt: 1 };
  }
  if (bound.fingerprint !== request.fingerprint) return { error: "idempotency-key-reused" };
  const { taskId, version } = bound;
  const remembered = !forgotten;
  if (bound.admitted) return { taskId, version, admitted: true, remembered, attempt: bound.attempt };
  const silentSince = timeOf(now).plus(-TAKE_OVER_MS);
  if (!bound.vacant && !isBefore(bound.since, silentSince)) return { error: "request-in-progress" };
  bound.since = timeOf(now);
  bound.vacant = false;
  bound.keptMs = Math.max(bound.keptMs, request.keptMs);
  bound.attempt++;
  return { taskId, version, admitted: false, remembered, attempt: bound.attempt };
}

/** The task of the key is admitted. */
export function confirm(world: World, key: string, taskId: string): void {
  const bound = world.idempotency.get(key);
  if (bound?.taskId === taskId) bound.admitted = true;
}

/** An attempt was refused; whether the key is forgotten. */
export function release(world: World, key: string, taskId: string, attempt: number): boolean {
  const bound = world.idempotency.get(key);
  if (bound?.taskId !== taskId || bound.attempt !== attempt || bound.admitted) return false;
  if (attempt === 1) return world.idempotency.delete(key);
  bound.vacant = true;
  return false;
}
