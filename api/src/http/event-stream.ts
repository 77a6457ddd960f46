import type { ServerResponse } from "node:http";

/** One event (WHATWG HTML, server-sent events). */
export interface StreamEvent {
  readonly event: string;
  /** Comes back as `Last-Event-ID` when the client connects again. */
  readonly id: string;
  /** One line, such as JSON. */
  readonly data: string;
}

/** An answer that goes on. */
export interface EventStream {
  send(event: StreamEvent): void;
  /** Ends the answer, and with it the heartbeats. */
  end(): void;
}

/** A comment now and then: proxies cut connections on which nothing happens, often after 30 or 60 s. */
const HEARTBEAT_MS = 15_000;
/** Clients connect again after this pause, unless they were told that there is nothing more. */
const RETRY_MS = 2_000;

/**
 * Begins an event stream. Whoever has not read what was sent until the next heartbeat is cut off: so little is sent that
 * it reads nothing at all.
 */
export function openEventStream(outgoing: ServerResponse, heartbeatMs = HEARTBEAT_MS): EventStream {
  outgoing.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // nginx collects answers otherwise.
    "x-accel-buffering": "no",
  });
  outgoing.write(`retry: ${RETRY_MS}\n\n`);
  const heartbeat = setInterval(() => {
    if (outgoing.writableNeedDrain) outgoing.destroy();
    else outgoing.write(":\n\n");
  }, heartbeatMs);
  outgoing.once("close", () => clearInterval(heartbeat));
  return {
    send: (event) => void outgoing.write(formatEvent(event)),
    end() {
      clearInterval(heartbeat);
      outgoing.end();
    },
  };
}

/** An event as it is sent. */
export function formatEvent({ event, id, data }: StreamEvent): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}

/** Whether a client asks for events by name; who takes anything gets JSON. */
export function wantsEvents(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  return accept
    .toLowerCase()
    .split(",")
    .some((range) => {
      const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
      return type === "text/event-stream" && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    });
}
