import net from "node:net";

import { type Caller, createProxiedConnection, type ProxiedConnection } from "./proxied-connection.js";
import type { LinkFault } from "./link-fault.js";

/** A TCP proxy on the loopback whose connections can be made to misbehave. */
export interface TcpLink {
  readonly name: string;
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /**
   * Begins a fault in place of the one before; undefined heals.
   * @param only whose connections it is done to; everybody's if absent. A `refuse` always is for everybody.
   */
  setFault(fault: LinkFault | undefined, only?: (caller: Caller) => boolean): Promise<void>;
  openConnections(): number;
  /** Resets everything and frees the port; may be called twice. */
  stop(): Promise<void>;
}

/** @param options.port the port to listen on; a free one if absent. */
export async function startTcpLink(options: {
  readonly name: string;
  readonly targetPort: number;
  readonly port?: number;
}): Promise<TcpLink> {
  const connections = new Set<ProxiedConnection>();
  const { targetPort } = options;
  let fault: LinkFault | undefined;
  let hits: (caller: Caller) => boolean = everybody;
  const apply = (connection: ProxiedConnection): void => {
    connection.setFault(hits(connection.caller) ? fault : undefined);
  };
  const accept = (client: net.Socket): void => {
    const connection = createProxiedConnection(client, targetPort, {
      ended: () => connections.delete(connection),
      subscribed: () => hits !== everybody && apply(connection),
    });
    connections.add(connection);
    apply(connection);
  };
  let server: net.Server | undefined = await listen(accept, options.port ?? 0);
  const { port } = server.address() as net.AddressInfo;
  let stopped = false;
  const closeServer = (): void => {
    server?.close();
    server = undefined;
  };
  return {
    name: options.name,
    port,
    address: `127.0.0.1:${port}`,
    async setFault(next, only = everybody) {
      hits = only;
      fault = next?.kind === "reset" ? undefined : next;
      if (next?.kind === "refuse") closeServer();
      else if (server === undefined && !stopped) server = await listenAgain(accept, port);
      for (const connection of connections) {
        if (next?.kind === "refuse" || (next?.kind === "reset" && only(connection.caller))) connection.reset();
        else apply(connection);
      }
    },
    openConnections: () => connections.size,
    async stop() {
      stopped = true;
      closeServer();
      for (const connection of connections) connection.reset();
    },
  };
}

const everybody = (): boolean => true;

async function listen(accept: (client: net.Socket) => void, port: number): Promise<net.Server> {
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}

/** Somebody's outgoing connection may have the port for a moment. */
async function listenAgain(accept: (client: net.Socket) => void, port: number): Promise<net.Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listen(accept, port);
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
