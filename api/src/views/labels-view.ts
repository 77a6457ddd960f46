import type { ModelOutput, OutputTensor } from "@sluice/broker";
import type { ViewOptions } from "../submission/submission.js";
import { decodeElements } from "../tensors/decode-elements.js";

/** A label with its score, 0..1 as the model gives it. */
export interface ScoredLabel {
  readonly label: string;
  readonly score: number;
  /** Where it is, if the model says so: four numbers as the model gives them. */
  readonly box?: readonly number[];
}

/** Labels of one output, best first. */
export interface LabelsView {
  readonly labels: ScoredLabel[];
  /** The threshold that was lowered to, if the wanted one left nothing of a multi-label output. */
  readonly thresholdUsed?: number;
}

/** An output with scores of labels. */
export type LabelsOutput = ModelOutput & { readonly kind: "labels" };

/** How far a threshold is lowered at a time. */
const THRESHOLD_STEP = 0.05;

/**
 * Scores of one row -> labels. Multi-label models answer at least one label: their threshold is lowered in steps
 * until one qualifies; other models may answer none.
 * @param boxes four numbers for each label, in the order of the labels.
 * @returns undefined if the scores do not fit the labels of the model
 */
export function toLabelsView(
  tensor: OutputTensor,
  output: LabelsOutput,
  options: ViewOptions,
  boxes?: OutputTensor,
): LabelsView | undefined {
  const scores = decodeElements(tensor);
  if (scores.length !== output.labels.length) return undefined;
  const corners = boxes ? decodeElements(boxes) : [];
  const scored: ScoredLabel[] = [];
  output.labels.forEach((label, i) => {
    const score = scores[i];
    const box = corners.slice(4 * i, 4 * i + 4).filter((corner) => typeof corner === "number");
    if (typeof score === "number") scored.push(box.length === 4 ? { label, score, box } : { label, score });
  });
  scored.sort((a, b) => b.score - a.score);
  const wanted = options.threshold ?? output.threshold;
  const used = output.mode === "multi-label" ? reachableThreshold(wanted, scored[0]?.score) : wanted;
  const best = scored.filter(({ score }) => score >= used);
  const labels = output.mode === "multi-label" && options.topK === undefined ? best : firstOf(best, output, options);
  return used === wanted ? { labels } : { labels, thresholdUsed: used };
}

function firstOf(best: ScoredLabel[], output: LabelsOutput, options: ViewOptions): ScoredLabel[] {
  return best.slice(0, options.topK ?? output.topK);
}

/** The threshold, lowered in steps until the best score reaches it. */
function reachableThreshold(wanted: number, bestScore: number | undefined): number {
  if (bestScore === undefined || bestScore >= wanted) return wanted;
  const steps = Math.ceil((wanted - bestScore) / THRESHOLD_STEP - 1e-9);
  return Math.max(0, Number((wanted - steps * THRESHOLD_STEP).toFixed(4)));
}
