import type { FleetMember } from "../roles/start-fleet.js";

/** A loop of one process, and how long ago it last completed a turn. */
export interface LoopAge {
  /** `batcher-1 read`, `gpu-worker-2 slot 0`, `api-1 poll subscription`. */
  readonly loop: string;
  readonly ageMs: number;
}

/** The metrics in which the roles tell the ages of their loops, and what each is called here. */
const AGE_METRIC = /^sluice_(loop_age|slot_last_poll|poll_age)_seconds\{(?:loop|slot|poll)="([^"]+)"\} (\S+)$/gm;
const KINDS: Readonly<Record<string, string>> = { loop_age: "", slot_last_poll: "slot ", poll_age: "poll " };

/** Reads the loops of a process from its metrics, in Prometheus' text format. */
export function parseLoopAges(process: string, metrics: string): LoopAge[] {
  return [...metrics.matchAll(AGE_METRIC)].map(([, metric = "", name, seconds]) => ({
    loop: `${process} ${KINDS[metric] ?? ""}${name ?? ""}`,
    // Prometheus writes +Inf, for a loop that never completed a turn.
    ageMs: seconds === "+Inf" ? Infinity : 1_000 * Number(seconds),
  }));
}

/** All loops of a process now; none if it does not answer. */
export async function readLoopAges(member: Pick<FleetMember, "name" | "url">): Promise<LoopAge[]> {
  try {
    const response = await fetch(`${member.url}/metrics`, { signal: AbortSignal.timeout(2_000) });
    return parseLoopAges(member.name, await response.text());
  } catch {
    return [];
  }
}
