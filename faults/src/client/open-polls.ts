import http from "node:http";

/** One caller who waited for the result of a task. Times are wall clock, ms. */
export interface Poll {
  readonly taskId: string;
  readonly waitMs: number;
  readonly openedMs: number;
  /** The whole answer was there, or it broke; undefined while it is open. */
  endedMs: number | undefined;
  /** HTTP status and what the task says: `200 SUCCESS`; the error if the connection broke. */
  answer: string | undefined;
}

/** What polls are opened, and how fast. */
export interface PollPlan {
  readonly count: number;
  readonly perSecond: number;
  /** Ports of apis; polls go to them in turn. */
  readonly ports: readonly number[];
  readonly draw: (index: number) => { readonly taskId: string; readonly waitS: number };
}

/** Polls that are open, or were. */
export interface Polls {
  readonly all: readonly Poll[];
  openCount(): number;
  /** Resolves when all have ended, or after `limitMs`. */
  ended(limitMs: number): Promise<void>;
  /** Breaks off what is open. */
  close(): void;
}

/** Resolves when all of them are open, or have ended already. */
export async function openPolls({ count, perSecond, ports, draw }: PollPlan): Promise<Polls> {
  // Each has a connection of its own, as so many callers have.
  const agent = new http.Agent({ keepAlive: false, maxSockets: Infinity });
  const all: Poll[] = [];
  let open = 0;
  const begin = (index: number): void => {
    const { taskId, waitS } = draw(index);
    const poll: Poll = { taskId, waitMs: waitS * 1_000, openedMs: Date.now(), endedMs: undefined, answer: undefined };
    all.push(poll);
    open++;
    const end = (answer: string): void => {
      if (poll.endedMs !== undefined) return;
      poll.endedMs = Date.now();
      poll.answer = answer;
      open--;
    };
    const path = `/v1/result/${taskId}?wait=${waitS}`;
    const request = http.get({ host: "127.0.0.1", port: ports[index % ports.length], path, agent });
    request.on("error", (error) => end(error.message));
    request.on("response", (response) => {
      let text = "";
      response.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
      response.on("error", (error) => end(error.message));
      response.on("end", () => end(`${response.statusCode} ${stateOf(text)}`));
    });
  };
  const startMs = Date.now();
  for (let index = 0; index < count; await sleep(10)) {
    const due = Math.min(count, Math.ceil(((Date.now() - startMs) / 1_000) * perSecond));
    for (; index < due; index++) begin(index);
  }
  return {
    all,
    openCount: () => open,
    async ended(limitMs) {
      for (const deadlineMs = Date.now() + limitMs; open > 0 && Date.now() < deadlineMs;) await sleep(50);
    },
    close: () => agent.destroy(),
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the task view, or the problem, says. */
function stateOf(text: string): string {
  return /"(?:status|code)":"([\w-]+)"/.exec(text)?.[1] ?? "without a body";
}
