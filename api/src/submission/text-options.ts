import { parseWith } from "./parse-with.js";
import { submissionOptions, type SubmissionOptions } from "./submission.js";

const NUMBERS = ["deadline_ms", "top_k", "threshold"];

/**
 * Options from form fields or query parameters, where everything is text. What is no number or boolean stays text, and
 * the schema then says so.
 * @throws BrokerError validation-failed
 */
export function parseTextOptions(values: Readonly<Record<string, string>>): SubmissionOptions {
  return parseWith(
    submissionOptions,
    Object.fromEntries(Object.entries(values).map(([name, text]) => [name, toValue(name, text)])),
  );
}

function toValue(name: string, text: string): string | number | boolean {
  if (NUMBERS.includes(name) && /^\d{1,12}(\.\d{1,12})?$/.test(text)) return Number(text);
  if (name === "dedupe" && (text === "true" || text === "false")) return text === "true";
  return text;
}
