import type { HttpConnections } from "../load/http-connections.js";
import { createTextInputs } from "../load/text-inputs.js";
import { codeOf, type Outcome, outcomeOf } from "./attempt-outcome.js";
import type { OverloadTask } from "./overload-tasks.js";

/** What is submitted, and where. */
export interface SubmitterOptions {
  readonly model: string;
  readonly textBytes: number;
  readonly deadlineMs: number;
  /** Every n-th answer is compared with the right one. */
  readonly checkEvery: number;
  readonly seed: number;
}

/** Submits tasks with a deadline, awaits their results, and keeps what became of them. */
export interface Submitter {
  /** All that have ended, in the order of their ends. */
  readonly tasks: readonly OverloadTask[];
  /** Refusals by code. */
  readonly codes: ReadonlyMap<string, number>;
  /** One example of each outcome that is not as it must be. */
  readonly examples: Partial<Record<Outcome, string>>;
  /**
   * Takes one task to its end; never rejects.
   * @param dueMs when it was to be submitted. @param startMs what times in `tasks` count from; both on performance.now()'s clock.
   */
  submit(dueMs: number, startMs: number): Promise<void>;
}

/** A result is waited for so much longer than its deadline: whether it comes late is to be seen. */
const WAIT_LONGER_S = 3;

/** One request a task: a POST that waits for the result. */
export function createSubmitter(connections: HttpConnections, options: SubmitterOptions): Submitter {
  const { deadlineMs, checkEvery } = options;
  const nextInput = createTextInputs(options);
  const prefer = `wait=${Math.ceil(deadlineMs / 1_000) + WAIT_LONGER_S}`;
  const tasks: OverloadTask[] = [];
  const codes = new Map<string, number>();
  const examples: Partial<Record<Outcome, string>> = {};
  let submitted = 0;

  const attempt = async (sentMs: number): Promise<Outcome> => {
    const input = nextInput();
    const check = submitted++ % checkEvery === 0;
    const { path, headers, body } = input;
    try {
      const reply = await connections.request({ method: "POST", path, headers: { ...headers, prefer }, body });
      const outcome = outcomeOf(reply, { input, deadlineMs, tookMs: performance.now() - sentMs, check });
      if (reply.status >= 400) codes.set(codeOf(reply), (codes.get(codeOf(reply)) ?? 0) + 1);
      if (outcome !== "in-time") examples[outcome] ??= `${reply.status} ${reply.body.toString("utf8", 0, 300)}`;
      return outcome;
    } catch (error) {
      examples.failed ??= String(error);
      return "failed";
    }
  };
  return {
    tasks,
    codes,
    examples,
    async submit(dueMs: number, startMs: number): Promise<void> {
      const sentMs = performance.now();
      const outcome = await attempt(sentMs);
      const endMs = performance.now();
      tasks.push({ dueMs: dueMs - startMs, sentMs: sentMs - startMs, endMs: endMs - startMs, outcome });
    },
  };
}
