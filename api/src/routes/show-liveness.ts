import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { type Identify, identifyNobody } from "../identity/identify.js";

/**
 * `GET /healthz/live`: this process answers, and whether it asks callers who they are. It says nothing of Redis: a restart
 * would not mend that.
 */
export function showLiveness({ identify }: { readonly identify: Identify }): Handler {
  const body = JSON.stringify({ status: "live", identity: identify === identifyNobody ? "off" : "on" });
  return () => jsonResponse(200, body);
}
