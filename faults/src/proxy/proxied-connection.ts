import net from "node:net";

import type { LinkFault } from "./link-fault.js";

/** One connection through a link: the client's socket and ours to the server. */
export interface ProxiedConnection {
  setFault(fault: LinkFault | undefined): void;
  /** RST to both sides. */
  reset(): void;
}

/**
 * Connects an accepted socket with a server of this machine.
 * @param ended called once, when both sockets are gone.
 */
export function createProxiedConnection(client: net.Socket, port: number, ended: () => void): ProxiedConnection {
  const server = net.connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  let fault: LinkFault | undefined;
  let repliedBytes = 0;
  let severed = false;
  let resetting = false;
  const reset = (): void => {
    if (resetting) return;
    resetting = true;
    for (const socket of [client, server]) resetSocket(socket);
  };
  const passes = (from: net.Socket, bytes: number): boolean => {
    if (severed) {
      // The server's side is gone: while that is hidden the bytes vanish, afterwards they meet a reset.
      if (fault?.kind !== "half-open") reset();
      return false;
    }
    if (from === client) return true;
    if (fault?.kind === "cut-reply") {
      reset();
      return false;
    }
    repliedBytes += bytes;
    if (fault?.kind === "cut-after" && repliedBytes > fault.bytes) {
      reset();
      return false;
    }
    return true;
  };
  pipe(client, server);
  pipe(server, client);

  function pipe(from: net.Socket, to: net.Socket): void {
    const later = createDelayLine(() => (fault?.kind === "delay" ? fault.delayMs : 0));
    from.on("data", (piece: Buffer) => {
      if (!passes(from, piece.length)) return;
      later(() => {
        if (!resetting && to.writable && !to.write(piece)) from.pause();
      });
    });
    to.on("drain", () => {
      if (fault?.kind !== "black-hole") from.resume();
    });
    from.on("end", () => later(() => !resetting && to.writable && to.end()));
    from.on("error", () => undefined);
    from.on("close", () => {
      const hidden = severed && from === server && fault?.kind === "half-open";
      if (!hidden && !resetting) to.destroy();
      if (client.destroyed && server.destroyed) ended();
    });
  }

  return {
    setFault(next) {
      fault = next;
      repliedBytes = 0;
      for (const socket of [client, server]) {
        if (next?.kind === "black-hole") socket.pause();
        else socket.resume();
      }
      if (next?.kind === "half-open" && !severed) {
        severed = true;
        server.destroy();
      } else if (next?.kind !== "half-open" && severed) {
        // Keep-alive probes of a client that has nothing to say find out later than its next byte would.
        setTimeout(reset, PROBE_MS).unref();
      }
    },
    reset,
  };
}

/**
 * RST where that is possible. A socket that is closing cannot be reset any more, and one that is reset must not be
 * destroyed a second time: Node then forgets its handle, which stays open and is polled for ever.
 */
function resetSocket(socket: net.Socket): void {
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}

/** When TCP keep-alive finds out, as the roles set it. */
const PROBE_MS = 5_000;

/** Does things in order, each `delayMs()` after it was asked to, or at once if that is 0 and nothing waits. */
function createDelayLine(delayMs: () => number): (action: () => void) => void {
  const waiting: (() => void)[] = [];
  let busyUntilMs = 0;
  return (action) => {
    const nowMs = performance.now();
    busyUntilMs = Math.max(busyUntilMs, nowMs + delayMs());
    if (busyUntilMs <= nowMs && waiting.length === 0) return action();
    waiting.push(action);
    // Timers may come in another order than they were set; what waits longest is done by the next one.
    setTimeout(() => waiting.shift()?.(), busyUntilMs - nowMs);
  };
}
