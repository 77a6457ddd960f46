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

const OTHER_VERSION = /^ref\d+$/;

/**
 * Reads one stream entry `[id, ["ref", "RUN DIGEST DEADLINE COST SIGNATURE"]]` of a ready stream, as `lua/admit.lua`
 * writes it; the signature is the rest and may hold spaces or be empty. One field, because decoding five costs a
 * batcher 5 us more per task than splitting one (half of what reading an entry costs it).
 * @returns undefined for an entry that was deleted, and for one of another version (its field is `ref2`, say), which is
 * left for those who can read it; "malformed" for what no version of Sluice writes.
 */
export function parseReadyEntry(lane: string, entry: Reply): Ref | "malformed" | undefined {
  const [id, fields] = asList(entry);
  if (!Array.isArray(fields)) return undefined;
  const [name, value] = asList(fields);
  if (name !== undefined && OTHER_VERSION.test(asText(name))) return undefined;
  if (value === undefined || asText(name) !== "ref") return "malformed";
  const [runId = "", digest = "", deadline, cost, ...signature] = asText(value).split(" ");
  const shard = parseTaskId(runId)?.shard;
  const ref = { deadlineMs: Number(deadline), cost: Number(cost) };
  if (shard === undefined || !Number.isFinite(ref.deadlineMs) || !(ref.cost > 0)) return "malformed";
  const entryId = asText(id);
  const admittedMs = Number(entryId.slice(0, entryId.indexOf("-")));
  return { runId, shard, entryId, admittedMs, lane, digest, ...ref, signature: signature.join(" ") };
}
