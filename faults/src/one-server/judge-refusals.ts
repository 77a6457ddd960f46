import type { Stage } from "../outages/stage.js";

/** Submissions that were sent and answered in a while; wall clock, ms. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Blames submissions that were accepted although they could not be, and refusals that do not say `code`. */
export function judgeRefusals(stage: Stage, span: Span, codes: readonly string[]): void {
  const submissions = stage
    .answers()
    .filter(({ request, atMs, tookMs }) => request === "submit" && atMs - tookMs >= span.fromMs && atMs <= span.toMs);
  const counts = new Map<string, number>();
  for (const { answer } of submissions) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const list = [...counts].map(([answer, count]) => `${count} x ${answer}`).join(", ");
  stage.show(`submissions meanwhile: ${list || "none"}`);
  if (submissions.length === 0) stage.blame("nobody submitted anything meanwhile");
  const wrong = [...counts].filter(([answer]) => !codes.some((code) => answer === `503 ${code}`));
  for (const [answer, count] of wrong) stage.blame(`${count} submissions were answered ${answer} meanwhile`);
}
