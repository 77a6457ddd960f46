import type { ModelRegistry } from "@sluice/broker";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { definePictureForm, type PictureOptions, type PictureRequest } from "../submission/picture-request.js";
import { optionFields, toSubmission } from "../submission/submission.js";
import { findModel } from "../tasks/plan-task.js";
import { createSubmissionRunner } from "../tasks/run-submission.js";
import { chooseRecognized } from "../views/chosen-labels.js";
import { toRecognitionUrls, toRecognitionView } from "../views/recognition-view.js";
import { type PictureAsk, requireSuccess, runPicture } from "./run-picture.js";
import type { SubmitDeps } from "./submit-inference.js";

/** Smaller pictures are answered in the request itself, in bytes. */
const SYNCHRONOUS_BYTES = 2 * 1024 * 1024;
/** How long such a request waits, milliseconds. What takes longer is pending, and can be read later. */
const WAIT_MS = 10_000;

/** What `POST /v1/recognize` takes. */
export const recognizeForm = definePictureForm(
  { model_id: optionFields.model, confidence_threshold: optionFields.threshold },
  "image_data",
);

type RecognizeOptions = PictureOptions<typeof recognizeForm>;

/** `POST /v1/recognize`: what is in a picture. Small ones are answered at once, large ones are pending at first. */
export function recognizeImage(deps: SubmitDeps): Handler {
  const runner = createSubmissionRunner(deps);
  const toAsk = (request: PictureRequest<RecognizeOptions>) => toRecognition(request, deps.models);
  return async ({ env }) => {
    const { ask, taken, task, cache } = await runPicture(deps, runner, env, { form: recognizeForm, toAsk });
    const { taskId } = taken;
    const isPending = task === undefined || task.kind === "open";
    const shown = isPending ? task : requireSuccess(task, deps.isDraining());
    if (!isPending) deps.metrics.resultRead("SUCCESS");
    const { threshold } = ask.submission.view;
    const body = JSON.stringify(toRecognitionView(taskId, shown, deps.models, { threshold, cache }));
    if (!isPending) return jsonResponse(200, body);
    return jsonResponse(202, body, { location: toRecognitionUrls(taskId).result, "retry-after": "1" });
  };
}

function toRecognition(
  { image, options }: PictureRequest<RecognizeOptions>,
  models: Pick<ModelRegistry, "all" | "get">,
): PictureAsk {
  const { model_id: name, confidence_threshold: threshold } = options;
  const model = findModel(name, "image", models);
  if (model) chooseRecognized(model);
  const waitMs = image.bytes.length < SYNCHRONOUS_BYTES ? WAIT_MS : 0;
  return { submission: toSubmission(image, { model: name, threshold }), waitMs };
}
