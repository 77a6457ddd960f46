import { ServerResponse } from "node:http";

import type { Failpoints } from "./failpoints.js";

const READY = "/healthz/ready";
/** What is asked of an api, by its path. */
const ANSWERS: readonly (readonly [string, RegExp])[] = [
  ["answer-submit", /^\/v1\/inference\b/],
  ["answer-read", /^\/v1\/result\//],
  ["answer-cancel", /^\/v1\/tasks\/[^/]+\/cancel\b/],
];

/**
 * Puts points around the answers of an api, where a whole answer is handed over to be sent, and after it has left. The
 * first answer that says that a role is ready ends its start.
 */
export function wrapAnswers(points: Failpoints): void {
  const { prototype } = ServerResponse;
  // Bound to each answer below.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const end = prototype.end as (...args: unknown[]) => ServerResponse;
  prototype.end = function (this: ServerResponse, ...args: unknown[]) {
    const path = this.req.url ?? "";
    const effect = ANSWERS.find(([, pattern]) => pattern.test(path))?.[0];
    if (effect !== undefined) {
      points.hit("before", effect);
      this.once("finish", () => points.hit("after", effect));
    }
    if (path === READY && this.statusCode === 200) points.enter("work");
    return end.apply(this, args);
  };
}
