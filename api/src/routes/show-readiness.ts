import type { ServerWatch } from "@sluice/broker";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import type { PoolWatch } from "../tasks/pool-watch.js";

/**
 * `GET /healthz/ready`: whether work should be sent here: Redis has answered lately and can keep what is promised, and
 * the process is not stopping.
 */
export function showReadiness(deps: {
  readonly pools: Pick<PoolWatch, "isFresh">;
  readonly servers: Pick<ServerWatch, "doubts">;
  readonly isDraining: () => boolean;
}): Handler {
  return () => {
    if (deps.isDraining()) return jsonResponse(503, '{"status":"stopping"}');
    // A server that refuses to write does not answer our scripts either: the reason comes first.
    const problems = deps.servers.doubts();
    if (problems.length > 0) return jsonResponse(503, JSON.stringify({ status: "promises cannot be kept", problems }));
    if (!deps.pools.isFresh()) return jsonResponse(503, '{"status":"redis does not answer"}');
    return jsonResponse(200, '{"status":"ready"}');
  };
}
