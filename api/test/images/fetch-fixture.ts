import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { afterEach } from "vitest";
import { createBodyIntake } from "../../src/http/body-intake.js";
import { createImageFetcher, type ImageFetcherDeps } from "../../src/images/fetch-image.js";
import { createTlsStarter, type OpenSocket } from "../../src/images/pinned-connector.js";
import { parseUrlAllowance } from "../../src/images/url-allowance.js";
import { createUrlGuard } from "../../src/images/url-guard.js";
import { until } from "../api-fixture.js";
import { PNG } from "../pictures.js";

export const MIB = 1024 * 1024;

/** What a test fetches with: the real parts, except that names have the addresses that it says, and ports lead to its server. */
export interface FetchOptions {
  /** As `IMAGE_URL_ALLOW`; the server of the test is at 127.0.0.1. */
  readonly allow?: string;
  /** Addresses by name, each time anew. */
  readonly resolve?: ImageFetcherDeps["resolve"];
  /** The port that stands for 80 and 443. */
  readonly port?: number;
  readonly open?: OpenSocket;
  readonly authorities?: string;
  readonly timeoutMs?: number;
  readonly budgetBytes?: number;
}

/** How a fetch ended: the picture, or the error's code. */
export type Outcome =
  { readonly bytes: Buffer; readonly declaredType: string | undefined } | { readonly code: unknown };

/** Fetches, and keeps an eye on every socket and every byte: after each test none may be left. */
export function useFetcher() {
  const closers: (() => Promise<void>)[] = [];
  const sockets: Socket[] = [];
  const shares: (() => number)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    const [opened, held] = [sockets.splice(0), shares.splice(0)];
    await until(() => opened.every((socket) => socket.closed));
    await until(() => held.every((bytes) => bytes() === 0));
  });

  /** A function that fetches a URL, with a share that is released afterwards, as routes do. */
  function fetcher(options: FetchOptions = {}) {
    const { allow = "", port, open: openOne = connect } = options;
    const open: OpenSocket = (how) => {
      const socket = openOne({ ...how, port: port ?? how.port });
      sockets.push(socket);
      return socket;
    };
    const resolve = options.resolve ?? (async () => ["127.0.0.1"]);
    const guard = createUrlGuard(parseUrlAllowance(allow));
    const deps = { guard, resolve, open, startTls: createTlsStarter(options.authorities) };
    const fetchImage = createImageFetcher(deps, { maxBytes: 50 * MIB, timeoutMs: options.timeoutMs ?? 5_000 });
    const intake = createBodyIntake(options.budgetBytes ?? 512 * MIB);
    shares.push(intake.heldBytes);
    const fetch = async (url: string, signal?: AbortSignal): Promise<Outcome> => {
      const share = intake.open();
      try {
        return await fetchImage(url, share, signal);
      } catch (error) {
        return { code: (error as { code: unknown }).code };
      } finally {
        share.release();
      }
    };
    return Object.assign(fetch, { intake });
  }

  async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
    const open = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => open.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(async () => {
      // The fetcher has ended its connections itself; whatever a server sees of them may come a moment later.
      await until(() => open.size === 0);
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }

  return {
    fetcher,
    /** @returns the port of a new server */
    serve: (listener: RequestListener) => listen(createServer(listener)),
    serveTls: (keys: SecureContextOptions, listener: RequestListener) => listen(createTlsServer(keys, listener)),
    /** Answers each connection, once a request has come, with whatever the test writes. */
    serveRaw: (answer: (socket: Socket) => void) =>
      listen(createTcpServer((socket) => void socket.once("data", () => answer(socket)))),
  };
}

/** The addresses of the tests' servers are allowed, their ports stand for 80 and 443. */
export const NEAR = { allow: "127.0.0.1/32" };
export const URL_OF_PICTURE = "http://pictures.example/a.png";
export const picture = { bytes: PNG, declaredType: "image/png" };

export const sendPicture = (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "image/png", "content-length": PNG.length }).end(PNG);
};

/** Sends a beginning, and then one small piece after the other until nobody listens. */
export function drip(socket: Socket, start: string, piece: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(piece), 20);
  socket.on("close", () => clearInterval(timer));
}
