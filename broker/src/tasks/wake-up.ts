/** A result that came with its wake-up: what reading the run's own task would say, but for its owner. */
export interface CarriedResult {
  readonly runId: string;
  readonly admittedMs: number;
  readonly finishedMs: number;
  readonly deadlineMs: number;
  readonly lane: string;
  /** See `decodeOutput`. */
  readonly output: Buffer;
  /** See `decodeRecord`. */
  readonly record: Buffer;
}

/** A run about which there is something new; of a small result that was settled, the result itself. */
export interface WakeUp {
  readonly runId: string;
  readonly result: CarriedResult | undefined;
}

const LINE_FEED = 0x0a;

/**
 * Takes a message of a `done` channel apart: run ids with spaces between, some with a result, as `lua/settle.lua` writes
 * them. What cannot be read is a wake-up without a result, for whoever is woken then reads by himself.
 */
export function parseWakeUps(message: Buffer): WakeUp[] {
  const end = message.indexOf(LINE_FEED);
  if (end === -1) return message.toString("latin1").split(" ").map(toBareWakeUp);
  let at = end + 1;
  return message
    .toString("latin1", 0, end)
    .split(" ")
    .map((head): WakeUp => {
      const [runId = "", admittedMs, finishedMs, deadlineMs, lane, outputBytes, recordBytes] = head.split(",");
      if (lane === undefined) return toBareWakeUp(runId);
      const recordAt = at + Number(outputBytes);
      const output = message.subarray(at, recordAt);
      const record = message.subarray(recordAt, (at = recordAt + Number(recordBytes)));
      const isWhole = at <= message.length && Number.isSafeInteger(at);
      const times = { admittedMs: Number(admittedMs), finishedMs: Number(finishedMs), deadlineMs: Number(deadlineMs) };
      return { runId, result: isWhole ? { runId, ...times, lane, output, record } : undefined };
    });
}

const toBareWakeUp = (runId: string): WakeUp => ({ runId, result: undefined });
