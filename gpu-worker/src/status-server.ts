import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Service } from "@sluice/broker";
import type { Registry } from "prom-client";

/** `/metrics`, `/healthz/live` and `/healthz/ready` over HTTP. */
export interface StatusServer extends Service {
  /** After `start`. */
  port(): number;
}

/** @param isReady whether the worker takes batches now. */
export function createStatusServer(
  deps: { readonly registry: Registry; readonly isReady: () => boolean },
  options: { readonly host: string; readonly port: number },
): StatusServer {
  const server = createServer((request, response) => {
    void answer(request.url ?? "", response, deps);
  });
  return {
    port: () => (server.address() as AddressInfo).port,
    async start() {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host, resolve);
      });
    },
    async stop() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  url: string,
  response: ServerResponse,
  { registry, isReady }: { readonly registry: Registry; readonly isReady: () => boolean },
): Promise<void> {
  switch (url.split("?", 1)[0]) {
    case "/metrics":
      return send(response, 200, await registry.metrics(), registry.contentType);
    case "/healthz/live":
      return send(response, 200, "live\n");
    case "/healthz/ready":
      return isReady() ? send(response, 200, "ready\n") : send(response, 503, "the endpoint is not ready\n");
    default:
      return send(response, 404, "not found\n");
  }
}

function send(response: ServerResponse, status: number, body: string, contentType = "text/plain"): void {
  response.writeHead(status, { "content-type": contentType }).end(body);
}
