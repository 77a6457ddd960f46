import type { Handler } from "../http/exchange.js";
import type { ApiMetrics } from "../metrics.js";

/** `GET /metrics`: for Prometheus. */
export function showMetrics(deps: { readonly metrics: ApiMetrics }): Handler {
  const { registry } = deps.metrics;
  return async () =>
    new Response(await registry.metrics(), { status: 200, headers: { "content-type": registry.contentType } });
}
