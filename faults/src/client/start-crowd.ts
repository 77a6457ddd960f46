import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Poll, PollPlan } from "./open-polls.js";

/** Many callers who wait, in a process of their own: they must not hold up links. */
export interface Crowd {
  /** As it was half a second ago. */
  polls(): readonly Poll[];
  stop(): void;
}

/** The built program, from src/ and from dist/ alike. */
const MAIN = fileURLToPath(new URL("../../dist/client/crowd-main.js", import.meta.url));

/** Lets them come, as fast as the plan says. */
export function startCrowd(plan: PollPlan): Crowd {
  let polls: readonly Poll[] = [];
  const child = fork(MAIN, { stdio: "inherit" });
  child.on("message", (told: readonly Poll[]) => (polls = told));
  child.send(plan);
  return {
    polls: () => polls,
    stop: () => child.kill("SIGKILL"),
  };
}
