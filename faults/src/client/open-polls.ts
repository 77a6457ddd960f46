import http from "node:http";

/** One caller who waited for the result of a task. Times are wall clock, ms. */
export interface Poll {
  readonly taskId: string;
  readonly waitMs: number;
  readonly openedMs: number;
  /** When the whole answer was there, or it broke; undefined while it is open. */
  endedMs?: number;
  /** HTTP status and what the task says: `200 SUCCESS`; the error if the connection broke. */
  answer?: string;
}

/** What polls are opened, and how fast. */
export interface PollPlan {
  readonly perSecond: number;
  /** Ports of apis; polls go to them in turn. */
  readonly ports: readonly number[];
  readonly polls: readonly { readonly taskId: string; readonly waitS: number }[];
}

/** Opens them one after the other, each on a connection of its own. @returns all that were opened until now. */
export function openPolls({ perSecond, ports, polls }: PollPlan): readonly Poll[] {
  const agent = new http.Agent({ keepAlive: false, maxSockets: Infinity });
  const all: Poll[] = [];
  const startMs = performance.now();
  const timer = setInterval(() => {
    const due = Math.min(polls.length, Math.ceil(((performance.now() - startMs) / 1_000) * perSecond));
    for (const { taskId, waitS } of polls.slice(all.length, due)) {
      all.push(openPoll(taskId, waitS, { port: ports[all.length % ports.length] ?? 0, agent }));
    }
    if (all.length === polls.length) clearInterval(timer);
  }, EVERY_MS);
  return all;
}

const EVERY_MS = 10;

function openPoll(taskId: string, waitS: number, where: { readonly port: number; readonly agent: http.Agent }): Poll {
  const poll: Poll = { taskId, waitMs: waitS * 1_000, openedMs: Date.now() };
  const end = (answer: string): void => {
    poll.endedMs ??= Date.now();
    poll.answer ??= answer;
  };
  const request = http.get({ host: "127.0.0.1", path: `/v1/result/${taskId}?wait=${waitS}`, ...where });
  request.on("error", (error) => end(error.message));
  request.on("response", (response) => {
    let text = "";
    response.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
    response.on("error", (error) => end(error.message));
    response.on("end", () => end(`${response.statusCode} ${stateOf(text)}`));
  });
  return poll;
}

/** What the task view, or the problem, says. */
function stateOf(text: string): string {
  return /"(?:status|code)":"([\w-]+)"/.exec(text)?.[1] ?? "without a body";
}
