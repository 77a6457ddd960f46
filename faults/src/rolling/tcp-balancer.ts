import net from "node:net";

import { createProxiedConnection, type ProxiedConnection } from "../proxy/proxied-connection.js";

/** A process behind the balancer. */
export interface Backend {
  readonly name: string;
  readonly port: number;
  /** Answers `/healthz/ready`. */
  readonly url: string;
}

/** Spreads connections over the processes that said lately that they are ready, as a load balancer does. */
export interface TcpBalancer {
  readonly port: number;
  isReady(name: string): boolean;
  /** Connections that came when no backend was ready. */
  untaken(): number;
  stop(): void;
}

/** How often readiness is asked for: between two questions a process that is stopping still gets connections. */
const ASK_EVERY_MS = 250;
const ASK_TIMEOUT_MS = 1_000;

/** Starts it, with every backend taken for ready. Connections that are open stay, whatever becomes of readiness. */
export async function startTcpBalancer(backends: readonly Backend[]): Promise<TcpBalancer> {
  const ready = new Set(backends.map(({ name }) => name));
  const connections = new Set<ProxiedConnection>();
  let turn = 0;
  let untaken = 0;
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const candidates = backends.filter(({ name }) => ready.has(name));
    const backend = candidates[turn++ % Math.max(1, candidates.length)];
    if (backend === undefined) {
      untaken++;
      client.resetAndDestroy();
      return;
    }
    const connection = createProxiedConnection(client, backend.port, {
      ended: () => connections.delete(connection),
      subscribed: () => undefined,
    });
    connections.add(connection);
  });
  const ask = async ({ name, url }: Backend): Promise<void> => {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    const isReady = await fetch(`${url}/healthz/ready`, { signal, headers: { connection: "close" } }).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isReady) ready.add(name);
    else ready.delete(name);
  };
  const timer = setInterval(() => void Promise.all(backends.map(ask)), ASK_EVERY_MS);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    isReady: (name) => ready.has(name),
    untaken: () => untaken,
    stop() {
      clearInterval(timer);
      server.close();
      for (const connection of connections) connection.reset();
    },
  };
}
