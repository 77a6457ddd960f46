import { isAnswerTo } from "../oracle/answer-of.js";
import type { Stage } from "../outages/stage.js";

/** Shows what became of tasks that were submitted before Redis lost everything; blames answers that are not theirs. */
export function judgeForgotten(stage: Stage, flushedMs: number): void {
  const before = stage.clients.entries.filter(
    ({ submittedMs, outcome }) => submittedMs <= flushedMs && outcome === "ok",
  );
  const ended = before.filter(({ first }) => first !== undefined);
  const forgotten = before.filter(({ first, missing }) => first === undefined && missing > 0);
  stage.show(
    `of ${before.length} tasks accepted before, ${ended.length} had ended, ${forgotten.length} were open and are forgotten`,
  );
  if (forgotten.length === 0) stage.blame("no open task was forgotten: the flush hit nothing");
  const open = before.length - ended.length - forgotten.length;
  if (open > 0) stage.blame(`${open} tasks neither ended nor were they said to be unknown`);
  for (const { index, text, first } of ended) {
    if (first?.state === "SUCCESS" && !isAnswerTo(text, first.answer))
      stage.blame(`task ${index} has another's answer`);
  }
}
