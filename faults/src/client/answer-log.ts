import type { ApiClient, ApiReply } from "./api-client.js";

/** What a request came to, and when: `submit`, `202`; `read`, `503 storage-unavailable`; `cancel`, `broken: ...`. */
export interface LoggedAnswer {
  readonly request: "submit" | "read" | "cancel";
  readonly answer: string;
  /** Wall clock. */
  readonly atMs: number;
  readonly tookMs: number;
}

/** A client that remembers every answer. */
export interface LoggingClient extends ApiClient {
  readonly answers: readonly LoggedAnswer[];
}

/** Passes everything on to `api`. */
export function logAnswers(api: ApiClient): LoggingClient {
  const answers: LoggedAnswer[] = [];
  const log = async (request: LoggedAnswer["request"], reply: Promise<ApiReply>): Promise<ApiReply> => {
    const startMs = performance.now();
    const answer = nameOf(await reply);
    answers.push({ request, answer, atMs: Date.now(), tookMs: performance.now() - startMs });
    return reply;
  };
  return {
    answers,
    submit: (body, options) => log("submit", api.submit(body, options)),
    read: (taskId, waitS) => log("read", api.read(taskId, waitS)),
    cancel: (taskId) => log("cancel", api.cancel(taskId)),
    close: () => api.close(),
  };
}

function nameOf(reply: ApiReply): string {
  if (reply.kind === "broken") return `broken: ${reply.reason}`;
  const { status, body } = reply;
  return typeof body["code"] === "string" ? `${status} ${body["code"]}` : String(status);
}
