import { countErrors } from "../check/error-counts.js";
import type { Stage } from "./stage.js";

/** Clients are served, or told to come back later (503), and nothing else; refusals that are due count as served. */
const LEGAL = /^(?:2\d\d$|503 )/;
/** Cancels of what has ended, and repeats of a submission that is still under way. */
const DUE = ["409 task-ended", "409 request-in-progress"];

/** Blames every answer that moving servers, and what is `alsoDue`, do not explain. */
export function blameErrors(stage: Stage, alsoDue: readonly string[] = []): void {
  const due = [...DUE, ...alsoDue];
  const wrong = stage.answers().filter(({ answer }) => !LEGAL.test(answer) && !due.includes(answer));
  const refused = stage.answers().filter(({ answer }) => answer.startsWith("503 ")).length;
  stage.show(`${stage.answers().length} answers, ${refused} of them 503, ${wrong.length} other than success or 503`);
  for (const { request, answer, tookMs } of wrong.slice(0, 10)) {
    stage.blame(`${request} was answered ${answer} after ${Math.round(tookMs)} ms`);
  }
}

/** Shows how often clients were sent elsewhere since then; blames the outage if they never were. */
export async function showRedirections(stage: Stage, before: Readonly<Record<string, number>>): Promise<void> {
  const now = await countErrors(stage.world.topology.nodes);
  const since = (name: string): number => (now[name] ?? 0) - (before[name] ?? 0);
  stage.show(
    `clients were sent elsewhere: ${since("ASK")} ASK, ${since("MOVED")} MOVED, ${since("TRYAGAIN")} TRYAGAIN`,
  );
  if (since("ASK") + since("MOVED") + since("TRYAGAIN") === 0) stage.blame("nobody met a slot on its way");
}
