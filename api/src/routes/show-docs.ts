import { BrokerError } from "@sluice/broker";
import { createHash } from "node:crypto";
import { toDocsPage, toErrorPage } from "../docs/docs-page.js";
import { ERROR_TEXTS } from "../docs/error-texts.js";
import { PAGE_HEADERS } from "../docs/html.js";
import type { Handler } from "../http/exchange.js";
import { toOpenApi } from "../openapi/document.js";
import { OPERATIONS } from "../openapi/operations.js";

/** Clients may keep what does not change while the process lives. */
const CACHE = "max-age=300";

/** `GET /openapi.json`: what this api takes and answers, for programs. */
export function showOpenApi(): Handler {
  return asFile(() => JSON.stringify(toOpenApi(OPERATIONS)), { "content-type": "application/json" });
}

/** `GET /docs`: the same for people. */
export function showDocs(): Handler {
  return asFile(() => toDocsPage(OPERATIONS, toOpenApi(OPERATIONS)), PAGE_HEADERS);
}

/** `GET /problems/{code}`: what a code means, and what to do. @throws BrokerError not-found */
export function showProblem(): Handler {
  return (c) => {
    const text = ERROR_TEXTS.find(({ code }) => code === c.req.param("code"));
    if (!text) throw new BrokerError("not-found", "there is no such code");
    return new Response(toErrorPage(text), { headers: { ...PAGE_HEADERS, "cache-control": CACHE } });
  };
}

/** Made when it is asked for first. */
function asFile(make: () => string, headers: Readonly<Record<string, string>>): Handler {
  let file: { readonly body: string; readonly etag: string } | undefined;
  return ({ env }) => {
    file ??= withTag(make());
    const own = { etag: file.etag, "cache-control": CACHE };
    if (env.incoming.headers["if-none-match"] === file.etag) return new Response(null, { status: 304, headers: own });
    return new Response(file.body, { headers: { ...headers, ...own } });
  };
}

function withTag(body: string) {
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 16)}"` };
}
