import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";

/** `GET /healthz/live`: this process answers. It says nothing of Redis: a restart would not mend that. */
export function showLiveness(): Handler {
  return () => jsonResponse(200, '{"status":"live"}');
}
