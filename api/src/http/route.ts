import { BrokerError } from "@sluice/broker";
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { ApiMetrics } from "../metrics.js";
import { answerEarly } from "./answer-early.js";
import type { ApiContext, Exchange, Handler } from "./exchange.js";
import { toProblem } from "./problem.js";

/** Wraps a route: times it, and answers what it throws. There is no other middleware: each would cost every request. */
export type WrapRoute = (name: string, handle: Handler) => (c: ApiContext) => Promise<Response>;

/** Whoever is refused so is not listened to for long: only a small body is read to its end. */
const STRANGERS = new Set([401, 403, 429]);
const SMALL_BYTES = 64 * 1024;

/** More headers than any honest client sends. */
const MAX_HEADERS = 100;

/** @param isDraining whether connections are to be closed, because this process is stopping. */
export function createRouteWrapper(deps: {
  readonly metrics: ApiMetrics;
  readonly log: Logger;
  readonly isDraining: () => boolean;
}): WrapRoute {
  const { metrics, log, isDraining } = deps;
  const requestId = createRequestIds();
  const toResponse = (thrown: unknown, exchange: Exchange, route: string): { response: Response; status: number } => {
    const error = BrokerError.from(thrown, "internal", "a bug");
    const id = requestId();
    if (error.code === "internal") log.error({ err: error, requestId: id, route }, "request failed");
    else log.debug({ err: error, requestId: id, route }, "request refused");
    metrics.refused(error.code);
    const { problem, headers } = toProblem(error, { instance: pathOf(exchange), requestId: id });
    const body = JSON.stringify(problem);
    const { status } = problem;
    const isLate = error.code === "overloaded" || status === 413 || isDraining();
    const isUnwanted = isLate || (STRANGERS.has(status) && !isSmall(exchange));
    const unread = !exchange.incoming.complete && isUnwanted;
    return {
      response: unread ? answerEarly(exchange, status, body, headers) : new Response(body, { status, headers }),
      status,
    };
  };
  return (name, handle) => {
    const observe = metrics.requestTimer(name);
    return async (c) => {
      const startMs = performance.now();
      let response: Response;
      let status: number;
      try {
        if (c.env.incoming.rawHeaders.length > 2 * MAX_HEADERS) {
          throw new BrokerError("headers-too-large", `a request may have at most ${MAX_HEADERS} headers`);
        }
        response = await handle(c);
        ({ status } = response);
      } catch (error) {
        ({ response, status } = toResponse(error, c.env, name));
      }
      if (isDraining() && !c.env.outgoing.headersSent) c.env.outgoing.setHeader("connection", "close");
      observe(status, (performance.now() - startMs) / 1_000);
      return response;
    };
  };
}

function isSmall({ incoming }: Exchange): boolean {
  return Number(incoming.headers["content-length"] ?? Infinity) <= SMALL_BYTES;
}

/** Path of the request, without its query. */
export function pathOf({ incoming }: Pick<Exchange, "incoming">): string {
  const target = incoming.url ?? "/";
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

/** Ids that are unique over all processes, and cost nothing: only refused requests get one. */
function createRequestIds(): () => string {
  const process = randomBytes(6).toString("hex");
  let count = 0;
  return () => `${process}-${(count++).toString(36)}`;
}
