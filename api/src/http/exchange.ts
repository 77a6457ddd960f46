import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** A request and its answer as Node has them: bodies are read from here, with a limit, not through hono. */
export type Exchange = HttpBindings;

/** Hono's context of our routes. */
export type ApiContext = Context<{ Bindings: Exchange }>;

/** What a route does. It throws BrokerError for every refusal. */
export type Handler = (c: ApiContext) => Promise<Response> | Response;
