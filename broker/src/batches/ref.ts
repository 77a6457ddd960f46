import { parseTaskId } from "../ids.js";
import type { Reply } from "../scripts/define-script.js";
import { asList, asText } from "../scripts/parse-reply.js";

/** What a batcher knows of a run: enough to batch it, never its input. About 100 bytes. */
export interface Ref {
  readonly runId: string;
  readonly shard: number;
  /** Id of the entry in the ready stream; its first part is the server time of the admission in milliseconds. */
  readonly entryId: string;
  readonly admittedMs: number;
  readonly lane: string;
  /** Runs with equal digests in one batch share one row. */
  readonly digest: string;
  /** Server time after which nobody wants the result, as far as the entry knows: a twin may have prolonged it. */
  readonly deadlineMs: number;
  /** How much of a batch the run takes; 1 is one row. */
  readonly cost: number;
  /** Shape, type and parameters: only rows with equal signatures fit one inference call. */
  readonly signature: string;
}

/**
 * Reads one stream entry `[id, [field, value, ...]]` of a ready stream.
 * @returns undefined if it is not one of ours (another version, or written by hand): such an entry is left alone.
 */
export function parseReadyEntry(lane: string, entry: Reply): Ref | undefined {
  const [id, flat] = asList(entry);
  if (!Array.isArray(flat)) return undefined;
  const values = asList(flat).map(asText);
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < values.length; i += 2) fields.set(values[i] ?? "", values[i + 1] ?? "");
  const runId = fields.get("r") ?? "";
  const shard = parseTaskId(runId)?.shard;
  const deadlineMs = Number(fields.get("d"));
  const cost = Number(fields.get("c"));
  if (shard === undefined || !Number.isFinite(deadlineMs) || !(cost > 0)) return undefined;
  const entryId = asText(id);
  return {
    runId,
    shard,
    entryId,
    admittedMs: Number(entryId.split("-")[0]),
    lane,
    digest: fields.get("g") ?? "",
    deadlineMs,
    cost,
    signature: fields.get("s") ?? "",
  };
}
