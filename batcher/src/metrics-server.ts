import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Service } from "@sluice/broker";
import { AggregatorRegistry, type Registry } from "prom-client";

/** Serves `/metrics`, `/healthz/live` and `/healthz/ready`. */
export interface MetricsServer extends Service {
  /** The port that it listens on; 0 before `start`. */
  port(): number;
}

/**
 * `isReady` answers `/healthz/ready`: 200 or 503. A process that answers at all is alive.
 * @param registries one, or several whose values are added up.
 */
export function createMetricsServer(
  deps: { readonly registries: () => readonly Registry[]; readonly isReady: () => boolean },
  address: { readonly host: string; readonly port: number },
): MetricsServer {
  const server = createServer((request, response) => void answer(deps, request, response));
  let stopped = false;
  return {
    async start() {
      if (stopped || server.listening) return;
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(address.port, address.host, resolve);
      });
    },
    async stop() {
      stopped = true;
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    port: () => (server.listening ? (server.address() as AddressInfo).port : 0),
  };
}

async function answer(
  { registries, isReady }: Parameters<typeof createMetricsServer>[0],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (request.url) {
    case "/metrics": {
      const registry = await joined(registries());
      response.setHeader("Content-Type", registry.contentType).end(await registry.metrics());
      return;
    }
    case "/healthz/live":
      response.end("live\n");
      return;
    case "/healthz/ready":
      response.writeHead(isReady() ? 200 : 503).end(isReady() ? "ready\n" : "not ready\n");
      return;
    default:
      response.writeHead(404).end("not found\n");
  }
}

async function joined(registries: readonly Registry[]): Promise<Registry> {
  const [only, ...others] = registries;
  if (only && others.length === 0) return only;
  return AggregatorRegistry.aggregate(await Promise.all(registries.map((registry) => registry.getMetricsAsJSON())));
}
