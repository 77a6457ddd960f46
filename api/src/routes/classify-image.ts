import { type ModelRegistry, parseLane } from "@sluice/broker";
import { z } from "zod";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { definePictureForm, type PictureOptions, type PictureRequest } from "../submission/picture-request.js";
import { optionFields, toSubmission } from "../submission/submission.js";
import { createSubmissionRunner } from "../tasks/run-submission.js";
import { findModel } from "../tasks/plan-task.js";
import { chooseLabels, type LabelsMode, readLabels } from "../views/chosen-labels.js";
import { toCacheWord, toTiming } from "../views/task-view.js";
import { type PictureAsk, requireSuccess, runPicture } from "./run-picture.js";
import type { SubmitDeps } from "./submit-inference.js";

/** How long a request waits that does not say, milliseconds; then nobody wants its result any more. */
const DEFAULT_DEADLINE_MS = 10_000;
/** Most labels of an answer to a request that does not say how many. */
const DEFAULT_TOP_K = 5;

/** What `POST /classify` takes. */
export const classifyForm = definePictureForm({
  model: optionFields.model,
  mode: z.enum(["binary", "multi-class", "multi-label"]).describe("which output of the model is meant"),
  top_k: optionFields.top_k,
  threshold: optionFields.threshold,
  deadline_ms: z.int().min(1).max(60_000).describe("how long the request may take; else 10,000"),
});

type ClassifyOptions = PictureOptions<typeof classifyForm>;

interface Classification extends PictureAsk {
  readonly mode: LabelsMode | undefined;
}

/** `POST /classify`: the labels of one picture, best first, in the answer to the request itself. */
export function classifyImage(deps: SubmitDeps): Handler {
  const runner = createSubmissionRunner(deps);
  const toAsk = (request: PictureRequest<ClassifyOptions>) => toClassification(request, deps.models);
  return async ({ env }) => {
    const { ask, taken, task, cache } = await runPicture(deps, runner, env, { form: classifyForm, toAsk });
    const { taskId, model } = taken;
    const ended = requireSuccess(task, deps.isDraining());
    const { labels, thresholdUsed } = readLabels(ended.output, chooseLabels(model, ask.mode), ask.submission.view);
    deps.metrics.resultRead(ended.state);
    const answer = {
      predictions: labels,
      threshold_used: thresholdUsed,
      model: model.name,
      model_version: parseLane(ended.lane)?.version,
      cache: cache ?? toCacheWord(taskId, ended),
      timing: toTiming(taskId, ended),
    };
    return jsonResponse(200, JSON.stringify(answer));
  };
}

function toClassification(
  { image, options }: PictureRequest<ClassifyOptions>,
  models: Pick<ModelRegistry, "all" | "get">,
): Classification {
  const { mode, top_k: topK = DEFAULT_TOP_K, deadline_ms: deadlineMs = DEFAULT_DEADLINE_MS, ...rest } = options;
  const model = findModel(options.model, "image", models);
  if (model) chooseLabels(model, mode);
  const submission = toSubmission(image, { ...rest, top_k: topK, deadline_ms: deadlineMs });
  return { submission, waitMs: deadlineMs, mode };
}
