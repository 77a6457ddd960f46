import { BrokerError } from "@sluice/broker";
import type { Hono } from "hono";
import type { Exchange, Handler } from "./exchange.js";
import { pathOf } from "./route.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Answers what no route takes: 405 where another method has the path, else 404. */
export function unknownPath(app: Hono<{ Bindings: Exchange }>): Handler {
  return (c) => {
    const path = pathOf(c.env);
    const allowed = METHODS.filter((method) => app.router.match(method, path)[0].length > 0);
    if (allowed.length === 0) throw new BrokerError("not-found", "there is nothing at this path");
    const allow = allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
    throw new BrokerError("method-not-allowed", `this path takes ${allow}`, { details: { allow } });
  };
}
