import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** By connection, what is to be called when it ends. */
const callbacks = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when a client goes away, or has its answer. A response that waits behind others on its connection never
 * hears of the connection's end, so the connection itself is listened to, once for all its requests.
 */
export function whenGone(outgoing: ServerResponse, callback: () => void): void {
  const { socket } = outgoing.req;
  const known = callbacks.get(socket) ?? listenTo(socket);
  known.add(callback);
  outgoing.once("close", () => {
    known.delete(callback);
    callback();
  });
}

function listenTo(socket: Socket): Set<() => void> {
  const known = new Set<() => void>();
  callbacks.set(socket, known);
  socket.once("close", () => known.forEach((callback) => callback()));
  return known;
}
