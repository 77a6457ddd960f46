import { BrokerError, type ErrorCode } from "@sluice/broker";
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { toProblem } from "./problem.js";

/**
 * Answers a request that Node's parser refused, and closes its connection: nothing behind it on the connection can be
 * trusted to be where it seems.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const refusal = new BrokerError(codeOf(error), "the request is no valid HTTP/1.1");
  const { problem, headers } = toProblem(refusal, { instance: "", requestId: randomUUID() });
  const body = JSON.stringify(problem);
  const lines = Object.entries({ ...headers, connection: "close", "content-length": String(body.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}\r\n${head}\r\n${body}`);
}

function codeOf(error: NodeJS.ErrnoException): ErrorCode {
  if (error.code === "HPE_HEADER_OVERFLOW") return "headers-too-large";
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return "request-timeout";
  return "invalid-request";
}
