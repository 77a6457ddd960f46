import net from "node:net";

/** Below those that Linux gives to outgoing connections: one of them would take the port before its server does. */
const [FIRST_PORT, LAST_PORT] = [15_000, 32_767];
const MAX_TRIES = 100;

/** A TCP port of the loopback that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("one port was asked for and none came: this is a bug");
  return port;
}

/** Different TCP ports of the loopback that nobody uses at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  // All held at once, or the same one might come twice.
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has no port: this is a bug");
    return address.port;
  });
  await Promise.all(servers.map(close));
  return ports;
}

/** Whether a server could listen on this port of `host` now. */
export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  try {
    await close(await listen(port, host));
    return true;
  } catch {
    return false;
  }
}

async function listenAnywhere(): Promise<net.Server> {
  let cause: unknown;
  for (let nth = 0; nth < MAX_TRIES; nth++) {
    try {
      return await listen(FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1)));
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(`none of ${MAX_TRIES} ports is free`, { cause });
}

async function listen(port: number, host = "127.0.0.1"): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return server;
}

async function close(server: net.Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
