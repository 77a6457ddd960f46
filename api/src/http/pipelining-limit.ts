import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests that one connection may have open at a time; libraries that send several ahead send ten or so. */
const MAX_OPEN_REQUESTS = 1_000;

/**
 * Ends a connection that asks for more and more without waiting for answers: each open request costs memory, and
 * connections are all that is counted otherwise. @returns whether the request is one too many.
 */
export function createPipeliningLimit(): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const open = new WeakMap<Socket, number>();
  return ({ socket }, outgoing) => {
    const count = (open.get(socket) ?? 0) + 1;
    open.set(socket, count);
    outgoing.once("close", () => open.set(socket, (open.get(socket) ?? 1) - 1));
    if (count > MAX_OPEN_REQUESTS) socket.destroy();
    return socket.destroyed;
  };
}
