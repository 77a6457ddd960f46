import { setTimeout as sleep } from "node:timers/promises";

import type { ApiClient, ApiReply } from "../client/api-client.js";

/** Everything that clients were answered, and how often. */
export interface Answers {
  /** `202`, `503 shutting-down, close`, `broken: read ECONNRESET`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Answers that no client should see, and when. */
  readonly errors: readonly { readonly atMs: number; readonly what: string }[];
  /** Requests that were told to go elsewhere, and went. */
  readonly repeated: number;
}

/** A client that notes all answers, and repeats what an api refused that is stopping. */
export interface WatchedClient extends ApiClient {
  readonly answers: Answers;
}

/** How often a request is told to go elsewhere before that counts as an error. */
const REPEATS = 10;

/**
 * Legal are all answers below 500, 503 with `Connection: close` if the request succeeds elsewhere, and the word that a
 * task with a short deadline would miss it: that is for its load, not for a restart.
 */
export function watchAnswers(api: ApiClient): WatchedClient {
  const counts = new Map<string, number>();
  const errors: { atMs: number; what: string }[] = [];
  let repeated = 0;
  const blame = (request: string, reply: ApiReply): void =>
    void errors.push({ atMs: Date.now(), what: `${request}: ${nameOf(reply)}` });
  const send = async (request: string, once: () => Promise<ApiReply>): Promise<ApiReply> => {
    for (let attempt = 1; ; attempt++) {
      const reply = await once();
      const name = nameOf(reply);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const goElsewhere = reply.kind === "answer" && reply.status === 503 && reply.closes;
      if (!goElsewhere && !isLegal(reply)) blame(request, reply);
      if (!goElsewhere) return reply;
      if (attempt === REPEATS) {
        blame(request, reply);
        return reply;
      }
      repeated++;
      await sleep(20 * attempt);
    }
  };
  return {
    submit: (body, options) => send("submit", () => api.submit(body, options)),
    read: (taskId, waitS) => send("read", () => api.read(taskId, waitS)),
    cancel: (taskId) => send("cancel", () => api.cancel(taskId)),
    close: () => api.close(),
    answers: {
      counts,
      errors,
      get repeated() {
        return repeated;
      },
    },
  };
}

function isLegal(reply: ApiReply): boolean {
  if (reply.kind === "broken") return false;
  return reply.status < 500 || (reply.status === 503 && reply.body["code"] === "deadline-unattainable");
}

function nameOf(reply: ApiReply): string {
  if (reply.kind === "broken") return `broken: ${reply.reason}`;
  const { status, body, closes } = reply;
  const code = typeof body["code"] === "string" ? ` ${body["code"]}` : "";
  return `${status}${code}${closes ? ", close" : ""}`;
}
