import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Exchange } from "./exchange.js";

/** How long, and for how many bytes, a client may go on sending after it was refused. */
const LINGER_MS = 1_000;
const LINGER_BYTES = 64 * 1024 * 1024;

/**
 * Answers before the body has arrived, and closes the connection. Closing at once, with bytes unread, would reset it,
 * and many clients would then never see the answer: so the answer goes out whole, what still comes is thrown away for
 * a moment, and only then the connection ends.
 */
export function answerEarly(
  { incoming, outgoing }: Exchange,
  status: number,
  body: string,
  headers: Record<string, string>,
): Response {
  const bytes = Buffer.byteLength(body);
  outgoing.writeHead(status, { ...headers, connection: "close", "content-length": bytes });
  outgoing.write(body);
  let discarded = 0;
  const end = () => {
    clearTimeout(timer);
    outgoing.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  incoming.on("data", (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > LINGER_BYTES) end();
  });
  incoming.once("end", end).once("close", end);
  incoming.resume();
  return RESPONSE_ALREADY_SENT;
}
