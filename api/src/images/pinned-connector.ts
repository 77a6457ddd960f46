import { isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from "node:net";
import { buildConnector } from "undici";

/** Opens a TCP connection, as `net.connect` does. The signal destroys it. */
export type OpenSocket = (options: TcpNetConnectOpts & { readonly signal: AbortSignal }) => Socket;

/** How to connect. */
export interface ConnectDeps {
  readonly open: OpenSocket;
  /** Starts TLS on a connection, for the name that the URL has. */
  readonly startTls: buildConnector.connector;
}

/**
 * TLS that refuses every certificate that is not trusted, whatever the environment says.
 * @param authorities PEM; those that Node trusts if absent.
 */
export function createTlsStarter(authorities?: string): buildConnector.connector {
  const trust = authorities === undefined ? {} : { ca: authorities };
  return buildConnector({ timeout: 0, rejectUnauthorized: true, maxCachedSessions: 0, ...trust });
}

/**
 * Connects to the given addresses and to no other: the name is not looked up again, so that whoever owns it cannot give
 * another address than the one that was checked. It still is the name that TLS and the Host header speak of. Of several
 * addresses the first that answers is taken.
 * @param addresses of the host, at least one.
 */
export function createPinnedConnector(
  { open, startTls }: ConnectDeps,
  addresses: readonly string[],
  signal: AbortSignal,
): buildConnector.connector {
  const lookup = lookupOf(addresses);
  return (options, callback) => {
    const { protocol, hostname } = options;
    const secure = protocol === "https:";
    const port = Number(options.port) || (secure ? 443 : 80);
    const socket = open({ host: hostname, port, lookup, autoSelectFamily: true, noDelay: true, signal });
    const fail = (error: Error) => callback(error, null);
    // It stays: whatever ends the socket later shows in its "close", and must not be thrown.
    socket.on("error", ignore).once("error", fail);
    socket.once("connect", () => {
      socket.off("error", fail);
      if (secure) startTls({ ...options, httpSocket: socket }, callback);
      else callback(null, socket);
    });
  };
}

function lookupOf(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_name, options, callback) => {
    const [first] = found;
    if (options.all === true) callback(null, found);
    else if (first) callback(null, first.address, first.family);
  };
}

function ignore(): void {
  // Nothing to do.
}
