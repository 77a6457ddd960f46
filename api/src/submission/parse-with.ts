import type { z } from "zod";
import type { FieldError } from "../http/problem.js";
import { invalidFields, toPointer } from "./invalid-field.js";

/**
 * Checks a value with a schema.
 * @throws BrokerError validation-failed that names every field by its JSON pointer
 */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidFields("validation-failed", result.error.issues.flatMap(toFieldErrors));
}

/** Fields that are not known are told at their own place, not at their parent's. */
function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: toPointer([...issue.path, key]), detail: "is not a known field" }));
  }
  return [{ pointer: toPointer(issue.path), detail: issue.message }];
}
