import http from "node:http";

import type { TerminalState, TerminalView } from "./ledger.js";

/** What a request came to: an answer, or a connection that broke before there was one. */
export type ApiReply =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body: Record<string, unknown>;
      /** Whether the api closes the connection (`Connection: close`). */
      readonly closes: boolean;
    }
  | { readonly kind: "broken"; readonly reason: string };

/** Requests to one of several apis; each goes to one that is picked by chance, as a balancer would. */
export interface ApiClient {
  submit(
    body: { readonly input: string; readonly deadline_ms: number },
    options: { readonly idempotencyKey: string | undefined; readonly waitS: number },
  ): Promise<ApiReply>;
  /** @param waitS how long the api may wait for a result. */
  read(taskId: string, waitS: number): Promise<ApiReply>;
  cancel(taskId: string): Promise<ApiReply>;
  close(): void;
}

/** @param pickPort the port of the api that gets the next request. */
export function createApiClient(pickPort: () => number): ApiClient {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity, scheduling: "fifo" });
  const send = (
    method: string,
    path: string,
    options: { body?: string; headers?: http.OutgoingHttpHeaders; timeoutMs: number },
  ) =>
    new Promise<ApiReply>((resolve) => {
      const headers = {
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      };
      const request = http.request({ host: "127.0.0.1", port: pickPort(), method, path, agent, headers });
      // From beginning to end: an api that hangs in the middle of a body counts as broken too.
      const timer = setTimeout(() => request.destroy(new Error("no answer in time")), options.timeoutMs);
      const broken = (error: Error): void => {
        clearTimeout(timer);
        resolve({ kind: "broken", reason: error.message });
      };
      request.on("error", broken);
      request.on("response", (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece: Buffer) => pieces.push(piece));
        response.on("error", broken);
        response.on("end", () => {
          clearTimeout(timer);
          resolve(parseAnswer(response, Buffer.concat(pieces).toString("utf8")));
        });
      });
      request.end(options.body);
    });
  return {
    submit: (body, { idempotencyKey, waitS }) =>
      send("POST", waitS > 0 ? `/v1/inference?wait=${waitS}` : "/v1/inference", {
        body: JSON.stringify({ model: "oracle", ...body }),
        headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
        timeoutMs: 1_000 * waitS + ANSWER_MS,
      }),
    read: (taskId, waitS) =>
      send("GET", `/v1/result/${taskId}${waitS > 0 ? `?wait=${waitS}` : ""}`, { timeoutMs: 1_000 * waitS + ANSWER_MS }),
    cancel: (taskId) => send("POST", `/v1/tasks/${taskId}/cancel`, { timeoutMs: ANSWER_MS }),
    close: () => agent.destroy(),
  };
}

/** Longer than the api itself waits for Redis. */
const ANSWER_MS = 12_000;

function parseAnswer({ statusCode: status = 0, headers }: http.IncomingMessage, text: string): ApiReply {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    return { kind: "answer", status, body, closes: headers.connection === "close" };
  } catch {
    return { kind: "broken", reason: `status ${status} with a body that is no JSON` };
  }
}

const TERMINAL: readonly string[] = ["SUCCESS", "FAILED", "EXPIRED", "CANCELED"] satisfies TerminalState[];

/** What a task view says, if the task has ended. */
export function terminalOf(body: Readonly<Record<string, unknown>>): TerminalView | undefined {
  const state = String(body["status"]);
  if (!TERMINAL.includes(state)) return undefined;
  const output = body["output"] as Record<string, unknown> | undefined;
  const error = body["error"] as Record<string, unknown> | undefined;
  return {
    state: state as TerminalState,
    answer: typeof output?.["answer"] === "string" ? output["answer"] : output && JSON.stringify(output),
    errorCode: error && String(error["code"]),
  };
}
