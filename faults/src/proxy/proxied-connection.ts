import net from "node:net";

import type { LinkFault } from "./link-fault.js";

/** Who opened a connection, as far as a fault may depend on it. */
export interface Caller {
  /** The address that it comes from. */
  readonly address: string;
  /** Whether it has subscribed to anything: what comes back are messages. */
  readonly subscribes: boolean;
}

/** One connection through a link: the client's socket and ours to the server. */
export interface ProxiedConnection {
  readonly caller: Caller;
  setFault(fault: LinkFault | undefined): void;
  /** RST to both sides. */
  reset(): void;
}

/**
 * Connects an accepted socket with a server of this machine.
 * @param told.ended called once, when both sockets are gone. `subscribed` at the caller's first subscription.
 */
export function createProxiedConnection(
  client: net.Socket,
  port: number,
  told: { readonly ended: () => void; readonly subscribed: () => void },
): ProxiedConnection {
  const caller = { address: client.remoteAddress ?? "", subscribes: false };
  const server = net.connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  const state: ConnectionState = {
    fault: undefined,
    severed: false,
    forgotten: false,
    asked: false,
    repliedBytes: 0,
    resetting: false,
  };
  const reset = (): void => {
    if (state.resetting) return;
    state.resetting = true;
    for (const socket of [client, server]) resetSocket(socket);
  };
  const { noteRequest, mayReply } = createGate(state, caller, told.subscribed);
  pipe(client, server, { state, reset, mayPass: noteRequest });
  pipe(server, client, { state, reset, mayPass: mayReply });
  for (const socket of [client, server]) {
    socket.on("close", () => {
      const hidden = socket === server && (state.forgotten || (state.severed && state.fault?.kind === "half-open"));
      if (!hidden && !state.resetting) (socket === client ? server : client).destroy();
      if (client.destroyed && server.destroyed) told.ended();
    });
  }
  return {
    caller,
    setFault(next) {
      state.fault = next;
      state.forgotten ||= next?.kind === "forget";
      state.asked = next?.kind === "cut-reply" && next.after === undefined;
      state.repliedBytes = 0;
      for (const socket of [client, server]) {
        if (next?.kind === "black-hole") socket.pause();
        else socket.resume();
      }
      if (next?.kind === "half-open" && !state.severed) {
        state.severed = true;
        server.destroy();
      } else if (next?.kind !== "half-open" && state.severed) {
        // Keep-alive probes of a client that has nothing to say find out later than its next byte would.
        setTimeout(reset, PROBE_MS).unref();
      }
    },
    reset,
  };
}

interface ConnectionState {
  fault: LinkFault | undefined;
  /** The server's side is gone, and the client has not been told. */
  severed: boolean;
  /** Nothing passes any more, whatever comes. */
  forgotten: boolean;
  /** A request has passed whose reply is to be cut. */
  asked: boolean;
  /** Since the fault began. */
  repliedBytes: number;
  resetting: boolean;
}

/** Looks at what passes: who asks for what, and whether a reply may pass. */
function createGate(
  state: ConnectionState,
  caller: { subscribes: boolean },
  subscribed: () => void,
): Record<"noteRequest" | "mayReply", (piece: Buffer) => boolean> {
  return {
    noteRequest(piece) {
      if (!caller.subscribes && piece.includes(SUBSCRIPTION, 0, "latin1")) {
        caller.subscribes = true;
        subscribed();
      }
      if (state.fault?.kind === "cut-reply") {
        const { after } = state.fault;
        state.asked ||= after === undefined || piece.includes(after, 0, "latin1");
      }
      return true;
    },
    mayReply({ length }) {
      state.repliedBytes += length;
      if (state.fault?.kind === "cut-reply") {
        if (!state.asked) return true;
        state.fault.cut?.();
        return false;
      }
      return state.fault?.kind !== "cut-after" || state.repliedBytes <= state.fault.bytes;
    },
  };
}

/** The end of `subscribe` and `ssubscribe` as a client of ours sends them. */
const SUBSCRIPTION = "subscribe\r\n";

/** Passes on what comes in at `from`, as the fault of the moment allows. A piece that may not pass resets the connection. */
function pipe(
  from: net.Socket,
  to: net.Socket,
  { state, reset, mayPass }: { state: ConnectionState; reset: () => void; mayPass: (piece: Buffer) => boolean },
): void {
  const later = createDelayLine(() => (state.fault?.kind === "delay" ? state.fault.delayMs : 0));
  from.on("data", (piece: Buffer) => {
    // While it is hidden that the server is gone the bytes vanish, afterwards they meet a reset.
    if (state.forgotten || (state.severed && state.fault?.kind === "half-open")) return;
    if (state.severed || !mayPass(piece)) return reset();
    later(() => {
      if (!state.resetting && to.writable && !to.write(piece)) from.pause();
    });
  });
  to.on("drain", () => {
    if (state.fault?.kind !== "black-hole") from.resume();
  });
  from.on("end", () => {
    // Nobody is told of the end. Whoever closed it gives it up by itself; what is left here is cleared away later.
    if (state.forgotten) setTimeout(reset, FORGOTTEN_MS).unref();
    else later(() => !state.resetting && to.writable && to.end());
  });
  from.on("error", () => undefined);
}

/**
 * RST where that is possible. A socket that is closing cannot be reset any more, and one that is reset must not be
 * destroyed a second time: Node then forgets its handle, which stays open and is polled for ever.
 */
function resetSocket(socket: net.Socket): void {
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy();
  else socket.resetAndDestroy();
}

/** Longer than any client of ours waits for the other side's end. */
const FORGOTTEN_MS = 60_000;

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
