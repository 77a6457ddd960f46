import type { ServerWatch } from "@sluice/broker";
import { Hono } from "hono";
import type { Exchange, Handler } from "./http/exchange.js";
import { pathOf, type WrapRoute } from "./http/route.js";
import { unknownPath } from "./http/unknown-path.js";
import { classifyImage } from "./routes/classify-image.js";
import { cancelOneTask, type CancelDeps } from "./routes/cancel-task.js";
import { listModels, type ListModelsDeps } from "./routes/list-models.js";
import { readRecognition } from "./routes/read-recognition.js";
import { readResult, type ReadResultDeps } from "./routes/read-result.js";
import { recognizeImage } from "./routes/recognize-image.js";
import { type RetryDeps, retryTask } from "./routes/retry-task.js";
import { showDocs, showOpenApi, showProblem } from "./routes/show-docs.js";
import { showLiveness } from "./routes/show-liveness.js";
import { showMetrics } from "./routes/show-metrics.js";
import { showReadiness } from "./routes/show-readiness.js";
import { submitInference, type SubmitDeps } from "./routes/submit-inference.js";
import type { PoolWatch } from "./tasks/pool-watch.js";

/** What the routes need, all together. */
export type AppDeps = SubmitDeps &
  ReadResultDeps &
  CancelDeps &
  ListModelsDeps &
  RetryDeps & { readonly pools: PoolWatch; readonly servers: ServerWatch };

/** The routes: each is one file, and is timed under the path that stands here. */
export function createApp(deps: AppDeps, wrap: WrapRoute): Hono<{ Bindings: Exchange }> {
  // The path as it was sent: nothing of ours needs decoding, so `%2e%2e` or a foreign host in it match no route.
  const app = new Hono<{ Bindings: Exchange }>({
    getPath: (_request, options) => pathOf((options?.env ?? {}) as Exchange),
  });
  const get = (path: string, handler: Handler) => app.get(path, wrap(path, handler));
  const post = (path: string, handler: Handler) => app.post(path, wrap(path, handler));
  post("/v1/inference", submitInference(deps));
  get("/v1/result/:task_id", readResult(deps));
  post("/v1/tasks/:task_id/cancel", cancelOneTask(deps));
  post("/v1/tasks/:task_id/retry", retryTask(deps));
  post("/classify", classifyImage(deps));
  post("/v1/recognize", recognizeImage(deps));
  get("/v1/recognize/:request_id", readRecognition(deps));
  get("/models", listModels(deps));
  get("/healthz/live", showLiveness(deps));
  get("/healthz/ready", showReadiness(deps));
  get("/metrics", showMetrics(deps));
  get("/openapi.json", showOpenApi());
  get("/docs", showDocs());
  get("/problems/:code", showProblem());
  app.notFound(wrap("unknown", unknownPath(app)));
  return app;
}
