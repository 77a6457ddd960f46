import type { AgentEvent, Arming, HitCounts, Phase, Point, Trial } from "../failpoint.js";

/** The points of this process. */
export interface Failpoints {
  /** The process is at `ROLE:WHEN:EFFECT`: if a trial is due there, it does not come back from here, or much later. */
  hit(when: "before" | "after", effect: string): void;
  /** Replaces what is armed. Hits count from now; of a trial that was armed before they go on. */
  arm(arming: Arming): void;
  /** Goes only forwards. */
  enter(phase: Phase): void;
  /** Tells of the hits since the last time. */
  tellHits(): void;
}

/** What it works with. */
export interface FailpointDeps {
  readonly role: string;
  readonly pid: number;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Has written it down when it returns: the process may end right after. */
  readonly tell: (event: AgentEvent) => void;
  /** Ends or stops the process. */
  readonly act: (trial: Trial) => void;
}

const ORDER: readonly Phase[] = ["start", "work", "drain"];

export function createFailpoints({ role, pid, now, tell, act }: FailpointDeps): Failpoints {
  let phase: Phase = "start";
  let serial = -1;
  let armed = new Map<string, { readonly trial: Trial; left: number }[]>();
  let counts: Record<string, number> = {};
  return {
    hit(when, effect) {
      const key = keyOf(phase, `${role}:${when}:${effect}` as Point);
      counts[key] = (counts[key] ?? 0) + 1;
      for (const one of armed.get(key) ?? []) {
        one.left--;
        if (one.left !== 0) continue;
        tell({ kind: "reached", pid, atMs: now(), trial: one.trial });
        act(one.trial);
      }
    },
    arm(arming) {
      if (arming.serial === serial) return;
      serial = arming.serial;
      const before = [...armed.values()].flat();
      armed = new Map();
      for (const trial of arming.trials) {
        const key = keyOf(trial.phase, trial.point);
        const one = before.find((known) => known.trial.id === trial.id) ?? { trial, left: trial.nth };
        armed.set(key, [...(armed.get(key) ?? []), one]);
      }
      tell({ kind: "armed", pid, serial });
    },
    enter(next) {
      if (ORDER.indexOf(next) > ORDER.indexOf(phase)) phase = next;
    },
    tellHits() {
      if (Object.keys(counts).length === 0) return;
      const told: HitCounts = counts;
      counts = {};
      tell({ kind: "hits", pid, counts: told });
    },
  };
}

function keyOf(phase: Phase, point: Point): string {
  return `${phase} ${point}`;
}
