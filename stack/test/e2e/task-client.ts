import { createHash, randomUUID } from "node:crypto";
import { Pool } from "undici";

/** The end of one task, as its client saw it. */
export interface TaskResult {
  readonly task_id: string;
  readonly status: string;
  readonly cache?: string;
  readonly output?: Record<string, unknown>;
  readonly error?: { readonly code: string };
  readonly batch?: { readonly id: string; readonly size: number; readonly unique: number; readonly reason: string };
}

/** A client as our users would write it: submits, waits, and tries again when it is refused or cut off. */
export interface TaskClient {
  /**
   * Submits a task and waits for its end. A refusal (503) or a cut connection is tried again with the same
   * Idempotency-Key until `giveUpMs`; whatever was accepted is followed to its end.
   */
  run(body: Record<string, unknown>): Promise<TaskResult>;
  /** Ids of tasks that were accepted (200 or 202). */
  readonly accepted: Set<string>;
  close(): Promise<void>;
}

/** What the `sleep` model answers for a text. */
export const digestOfText = (text: string) => createHash("sha256").update(text).digest("hex");

/** A text of 2 KB that is different for every number. */
export const textOf = (seed: string, i: number) => `${seed} ${i} `.padEnd(2_000, "x");

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function createTaskClient(url: string, connections = 256, giveUpMs = 60_000): TaskClient {
  const pool = new Pool(url, { connections });
  const accepted = new Set<string>();
  const request = async (method: "GET" | "POST", path: string, headers: Record<string, string>, body?: string) => {
    const response = await pool.request({ method, path, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.statusCode, body: (await response.body.json()) as TaskResult & { code?: string } };
  };
  /** Repeats until the answer is no refusal; a connection that breaks counts as one. */
  const insist = async (method: "GET" | "POST", path: string, headers: Record<string, string>, body?: string) => {
    const giveUpAt = performance.now() + giveUpMs;
    for (;;) {
      const answer = await request(method, path, headers, body).catch((error: unknown) => ({ error }));
      if (!("error" in answer) && answer.status !== 503 && answer.status !== 409) return answer;
      if (performance.now() > giveUpAt) throw new Error(`gave up: ${JSON.stringify(answer)}`);
      await pause(100 + Math.random() * 100);
    }
  };
  return {
    accepted,
    async run(body) {
      const headers = { "content-type": "application/json", prefer: "wait=20", "idempotency-key": randomUUID() };
      let answer = await insist("POST", "/v1/inference", headers, JSON.stringify(body));
      if (answer.status !== 200 && answer.status !== 202)
        throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
      const { task_id: id } = answer.body;
      accepted.add(id);
      while (answer.body.status === "PENDING") {
        answer = await insist("GET", `/v1/result/${id}`, { prefer: "wait=20" });
        if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      return answer.body;
    },
    close: () => pool.close(),
  };
}

/** Runs `count` tasks with `clients` of them under way at any moment; the results are in the order of the tasks. */
export async function runMany(
  client: TaskClient,
  count: number,
  clients: number,
  bodyOf: (i: number) => Record<string, unknown>,
): Promise<TaskResult[]> {
  const results = new Array<TaskResult>(count);
  let next = 0;
  const loop = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await client.run(bodyOf(i));
  };
  await Promise.all(Array.from({ length: clients }, loop));
  return results;
}
