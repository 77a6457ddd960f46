import { createHash } from "node:crypto";
import type { NextInput } from "./task-input.js";
import { createTexts, type TextOptions } from "./texts.js";

/** For whom texts are, and how long they may take; as long as the queue allows if absent. */
export interface TextInputOptions extends TextOptions {
  readonly model: string;
  readonly deadlineMs?: number;
}

/** Texts for a model that answers the SHA-256 of each, in hex, as its output `digest`. */
export function createTextInputs({ model, deadlineMs, ...options }: TextInputOptions): NextInput {
  const nextText = createTexts(options);
  const headers = { "content-type": "application/json" };
  const deadline = deadlineMs === undefined ? "" : `"deadline_ms":${deadlineMs},`;
  return () => {
    const text = nextText();
    // The texts hold nothing that JSON escapes.
    const body = Buffer.from(`{"model":"${model}",${deadline}"input":"${text}"}`, "latin1");
    return { path: "/v1/inference", headers, body, isRight: (output) => digestIn(output) === sha256Hex(text) };
  };
}

function digestIn(output: unknown): unknown {
  return typeof output === "object" && output !== null && "digest" in output ? output.digest : undefined;
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}
