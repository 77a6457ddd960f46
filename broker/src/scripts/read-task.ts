import { defineScript } from "./define-script.js";
import { asBytes, asList, asNumber, asText, asWord } from "./parse-reply.js";

/** What `lua/read-task.lua` says of a task. */
export type ReadTaskReply =
  | { readonly kind: "none" }
  | { readonly kind: "gone"; readonly owner: string }
  | {
      readonly kind: "left";
      readonly owner: string;
      readonly state: "CANCELED" | "EXPIRED";
      readonly orphanBlob: string;
    }
  | {
      readonly kind: "open";
      readonly owner: string;
      readonly runId: string;
      readonly deadlineMs: number;
      /** Until when a worker holds the run; 0 if none does. */
      readonly leaseMs: number;
      readonly admittedMs: number;
      readonly nowMs: number;
    }
  | {
      readonly kind: "done";
      readonly owner: string;
      readonly runId: string;
      readonly deadlineMs: number;
      readonly state: "SUCCESS" | "FAILED";
      readonly admittedMs: number;
      readonly finishedMs: number;
      readonly lane: string;
      readonly output: Buffer;
      readonly error: Buffer;
      readonly record: Buffer;
    };

/** `lua/read-task.lua`. */
export const readTaskScript = defineScript({
  name: "read-task",
  keys: ["task"],
  args: ["taskId"],
  parse(reply): ReadTaskReply {
    const list = asList(reply);
    const kind = asWord(list[0], ["none", "gone", "left", "open", "done"]);
    if (kind === "none") return { kind };
    const owner = asText(list[1]);
    if (kind === "gone") return { kind, owner };
    if (kind === "left") {
      return { kind, owner, state: asWord(list[2], ["CANCELED", "EXPIRED"]), orphanBlob: asText(list[3]) };
    }
    const common = { owner, runId: asText(list[2]), deadlineMs: asNumber(list[3]) };
    if (kind === "open") {
      const [leaseMs, admittedMs, nowMs] = [asNumber(list[4]), asNumber(list[5]), asNumber(list[6])];
      return { kind, ...common, leaseMs, admittedMs, nowMs };
    }
    return {
      kind,
      ...common,
      state: asWord(list[4], ["SUCCESS", "FAILED"]),
      admittedMs: asNumber(list[5]),
      finishedMs: asNumber(list[6]),
      lane: asText(list[7]),
      output: asBytes(list[8]),
      error: asBytes(list[9]),
      record: asBytes(list[10]),
    };
  },
});
