import { getRequestListener, type HttpBindings, RequestError } from "@hono/node-server";
import { BrokerError, type Service } from "@sluice/broker";
import type { Hono } from "hono";
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerClientError } from "./client-errors.js";
import { createPipeliningLimit } from "./pipelining-limit.js";
import { toProblem } from "./problem.js";

/** Where to listen, and how long to wait for requests. */
export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Longest time from the first byte of a request to the end of its headers. @defaultValue 10,000 */
  readonly headersTimeoutMs?: number;
  /** Longest time from the first byte of a request to the end of its body. @defaultValue 90,000 */
  readonly requestTimeoutMs?: number;
  /** Connections above it are dropped, and idle ones closed to make room. @defaultValue Infinity */
  readonly maxConnections?: number;
}

/** Connections that are still open so long after `stop` are cut. */
const CUT_AFTER_MS = 5_000;

/**
 * Connections that the kernel takes while we are busy (and `somaxconn` allows; Node's default is 511). Who comes above it
 * hears nothing, and tries again 1, 3, 7 and 15 s later: under overload that is worse than any refusal.
 */
const BACKLOG = 4_096;

/** So often idle connections are closed while others are dropped. */
const MAKE_ROOM_EVERY_MS = 1_000;

/**
 * The listening side. `stop` takes no more connections, ends those on which nothing happens, and waits for the others.
 * Whoever may just be sending on a connection must have been told before, by `Connection: close` or a balancer.
 */
export interface HttpServer extends Service {
  /** Base address, once started. */
  readonly url: string;
}

/** Serves a hono app on Node's HTTP server, with every limit set. */
export function createHttpServer(app: Hono<{ Bindings: HttpBindings }>, options: HttpServerOptions): HttpServer {
  const listener = getRequestListener((request, env) => app.fetch(request, env), { errorHandler: answerUnrouted });
  const isOneTooMany = createPipeliningLimit();
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (!isOneTooMany(incoming, outgoing)) void listener(incoming, outgoing);
  };
  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 90_000,
      // Above the idle time of usual load balancers (60 s), or they send on a connection that we are closing.
      keepAliveTimeout: 65_000,
      // How often these times are looked at.
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16 * 1024,
    },
    handle,
  );
  // Whoever reads the body gives leave to send it; whoever refuses the request does not.
  server.on("checkContinue", handle);
  server.on("clientError", answerClientError);
  limitConnections(server, options.maxConnections ?? Infinity);
  let stopping: Promise<void> | undefined;
  return {
    get url() {
      const address = server.address() as AddressInfo | null;
      const host = options.host.includes(":") ? `[${options.host}]` : options.host;
      return `http://${host}:${address?.port ?? options.port}`;
    },
    start() {
      if (stopping) return Promise.resolve();
      return new Promise((resolve, reject) => {
        server.once("error", (cause) => {
          const place = `${options.host}:${options.port}`;
          reject(new BrokerError("config-invalid", `cannot listen on ${place}`, { cause }));
        });
        server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, resolve);
      });
    },
    async stop() {
      stopping ??= stopServer();
      await stopping;
    },
  };

  async function stopServer(): Promise<void> {
    if (!server.listening) return;
    // Right after Node has taken what arrived: who wants to connect is accepted, and what seems idle is idle.
    await new Promise((resolve) => setImmediate(resolve));
    const cut = setTimeout(() => server.closeAllConnections(), CUT_AFTER_MS);
    await new Promise((resolve) => server.close(resolve));
    clearTimeout(cut);
  }
}

/** Who is dropped may come again at once, and finds the places of those on whose connections nothing happened. */
function limitConnections(server: Server, maxConnections: number): void {
  if (maxConnections === Infinity) return;
  server.maxConnections = maxConnections;
  let madeRoomMs = -Infinity;
  server.on("drop", () => {
    if (performance.now() - madeRoomMs < MAKE_ROOM_EVERY_MS) return;
    madeRoomMs = performance.now();
    server.closeIdleConnections();
  });
}

/** A request target or Host header that is no URL never reaches the app. */
function answerUnrouted(error: unknown): Response {
  const refusal =
    error instanceof RequestError
      ? new BrokerError("invalid-request", "the request target or the Host header is not valid")
      : BrokerError.from(error, "internal", "a bug");
  const { problem, headers } = toProblem(refusal, { instance: "", requestId: randomUUID() });
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
