import type { Client } from "@grpc/grpc-js";

/**
 * A gRPC client that is replaced by a new one when its connection seems dead. grpc-js waits for ever for a server that
 * takes a connection and then says nothing, and its pings begin only when that has said something. A connection that was
 * replaced keeps its descriptor until the server's side ends it too, or TCP gives up (about a quarter of an hour).
 */
export interface RenewedClient {
  /** For the next call. */
  current(): Client;
  /** The server has answered, whatever it said. */
  heard(): void;
  /** A call ended without an answer. Calls in flight on a client that is replaced go on to their own ends. */
  unanswered(): void;
  /** The next call gets a new client; calls in flight on the old one go on. */
  renew(): void;
  /** May come twice. */
  close(): void;
}

/** @param silenceMs after so long without any answer a call that stays unanswered replaces the client. */
export function createRenewedClient(
  open: () => Client,
  silenceMs: number,
  monotonicMs: () => number = () => performance.now(),
): RenewedClient {
  let client = open();
  let heardMs = monotonicMs();
  let closed = false;
  const renew = (): void => {
    if (closed) return;
    client.close();
    client = open();
    // It gets as long as the one before.
    heardMs = monotonicMs();
  };
  return {
    current: () => client,
    heard: () => void (heardMs = monotonicMs()),
    unanswered() {
      if (monotonicMs() - heardMs >= silenceMs) renew();
    },
    renew,
    close() {
      closed = true;
      client.close();
    },
  };
}
