import type { z } from "zod";
import { parseWith } from "./parse-with.js";

const NUMBERS = ["deadline_ms", "top_k", "threshold", "confidence_threshold", "n"];

/**
 * Options from form fields or query parameters, where everything is text. What is no number or boolean stays text, and
 * the schema then says so.
 * @throws BrokerError validation-failed
 */
export function parseTextOptions<Schema extends z.ZodType>(
  schema: Schema,
  values: Readonly<Record<string, string>>,
): z.output<Schema> {
  return parseWith(
    schema,
    Object.fromEntries(Object.entries(values).map(([name, text]) => [name, toValue(name, text)])),
  );
}

function toValue(name: string, text: string): string | number | boolean {
  if (NUMBERS.includes(name) && /^\d{1,12}(\.\d{1,12})?$/.test(text)) return Number(text);
  if (name === "dedupe" && (text === "true" || text === "false")) return text === "true";
  return text;
}
