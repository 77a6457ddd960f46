import { type ApiClient, type ApiReply, terminalOf } from "./api-client.js";
import type { LedgerEntry } from "./ledger.js";
import type { TakeTurn } from "./take-turns.js";

/** What driving a task needs. */
export interface DriveDeps {
  readonly api: ApiClient;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** No more waiting: whatever is open stays open. */
  readonly isOver: () => boolean;
  /** When a task is followed to its end. @defaultValue at once */
  readonly takeTurn?: TakeTurn;
}

/** How often a submission whose outcome is unknown is repeated with its key. */
const REPEATS = 30;
/** One task in so many is submitted again after it was accepted, if it has a key. */
const REPLAY_EVERY = 25;

/** Submits one task and follows it to its end, noting all that a client can know. */
export async function driveTask(entry: LedgerEntry, waitS: number, deps: DriveDeps): Promise<void> {
  await submit(entry, waitS, deps);
  if (entry.outcome !== "ok") return;
  if (entry.index % REPLAY_EVERY === 0) await replay(entry, deps);
  if (entry.purpose === "cancel" && entry.first === undefined) await cancel(entry, deps);
  await (deps.takeTurn ?? atOnce)(() => follow(entry, deps));
}

const atOnce: TakeTurn = (work) => work();

async function submit(entry: LedgerEntry, waitS: number, { api, now, sleep, isOver }: DriveDeps): Promise<void> {
  const { idempotencyKey } = entry;
  for (let attempt = 1; ; attempt++) {
    const reply = await api.submit({ input: entry.text, deadline_ms: entry.deadlineMs }, { idempotencyKey, waitS });
    if (reply.kind === "answer" && (reply.status === 200 || reply.status === 202)) {
      accept(entry, reply.body, now());
      return;
    }
    const code = reply.kind === "answer" ? String(reply.body["code"]) : reply.reason;
    entry.refusal = reply.kind === "answer" ? `${reply.status} ${code}` : undefined;
    // An earlier attempt may have been admitted, whatever this one is told.
    entry.mayHaveRun ||= reply.kind === "broken" || code === "durability-unconfirmed";
    if (!entry.mayHaveRun && code !== "request-in-progress") {
      entry.outcome = "refused";
      return;
    }
    if (idempotencyKey === undefined || attempt > REPEATS || isOver()) {
      entry.outcome = "unknown";
      return;
    }
    await sleep(Math.min(1_000, 50 * 2 ** attempt));
  }
}

function accept(entry: LedgerEntry, body: Readonly<Record<string, unknown>>, nowMs: number): void {
  entry.outcome = "ok";
  entry.taskId = String(body["task_id"]);
  entry.acceptedMs = nowMs;
  note(entry, body, nowMs);
}

function note(entry: LedgerEntry, body: Readonly<Record<string, unknown>>, nowMs: number): void {
  const view = terminalOf(body);
  if (view === undefined || entry.first !== undefined) return;
  entry.first = view;
  entry.endedMs = nowMs;
}

/** A submission that is repeated after it was accepted must be given the same task. */
async function replay(entry: LedgerEntry, { api }: DriveDeps): Promise<void> {
  const { idempotencyKey } = entry;
  if (idempotencyKey === undefined) return;
  const reply = await api.submit({ input: entry.text, deadline_ms: entry.deadlineMs }, { idempotencyKey, waitS: 0 });
  if (reply.kind !== "answer" || (reply.status !== 200 && reply.status !== 202)) return;
  if (reply.body["task_id"] !== entry.taskId) entry.secondTaskId = String(reply.body["task_id"]);
}

async function cancel(entry: LedgerEntry, { api, now, sleep, isOver }: DriveDeps): Promise<void> {
  entry.cancelAskedMs = now();
  for (let attempt = 1; attempt <= 5 && !isOver(); attempt++) {
    const reply = await api.cancel(entry.taskId ?? "");
    noteOdd(entry, "cancel", reply);
    if (saysMissing(reply)) entry.missing++;
    if (reply.kind === "answer" && reply.status < 500) {
      entry.cancelConfirmed = reply.status === 200;
      return;
    }
    await sleep(200);
  }
}

async function follow(entry: LedgerEntry, { api, now, sleep, isOver }: DriveDeps): Promise<void> {
  while (entry.first === undefined && !isOver()) {
    const reply = await api.read(entry.taskId ?? "", 5);
    noteOdd(entry, "read", reply);
    if (reply.kind === "answer" && reply.status === 200) {
      note(entry, reply.body, now());
      continue;
    }
    if (saysMissing(reply)) {
      entry.missing++;
      return;
    }
    await sleep(200);
  }
}

/** There is no such task, or its result is gone: neither comes back. */
function saysMissing(reply: ApiReply): boolean {
  return reply.kind === "answer" && (reply.status === 404 || reply.status === 410);
}

/** What an accepted task's api may say: how it stands, that it has ended before the cancel, or that it cannot tell now. */
const LEGAL_ANSWERS = { read: [200, 503], cancel: [200, 409, 503] } as const;

function noteOdd(entry: LedgerEntry, request: keyof typeof LEGAL_ANSWERS, reply: ApiReply): void {
  if (reply.kind === "broken" || saysMissing(reply)) return;
  const legal: readonly number[] = LEGAL_ANSWERS[request];
  if (!legal.includes(reply.status)) entry.oddAnswer ??= `${request}: ${reply.status} ${String(reply.body["code"])}`;
}

/** Reads a task once more; keeps trying while the api is in trouble. */
export async function readLast(entry: LedgerEntry, { api, sleep, isOver }: DriveDeps): Promise<void> {
  for (let attempt = 1; attempt <= 20 && !isOver(); attempt++) {
    const reply = await api.read(entry.taskId ?? "", 0);
    noteOdd(entry, "read", reply);
    if (reply.kind === "answer" && reply.status === 200) {
      entry.last = terminalOf(reply.body);
      return;
    }
    if (saysMissing(reply)) {
      entry.missing++;
      return;
    }
    await sleep(100);
  }
}
