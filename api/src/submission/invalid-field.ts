import { BrokerError, type ErrorCode } from "@sluice/broker";
import type { FieldError } from "../http/problem.js";

/** More errors than a person would read; a body can have a million. */
const MAX_ERRORS = 20;
/** Names come from the caller and may be of any length. */
const MAX_POINTER_CHARS = 200;

/** The error for one field that is wrong. */
export function invalidField(code: ErrorCode, pointer: string, detail: string): BrokerError {
  return invalidFields(code, [{ pointer, detail }]);
}

/** The error for fields that are wrong, each with its place; the first 20 are told. */
export function invalidFields(code: ErrorCode, fields: readonly FieldError[]): BrokerError {
  const errors = fields
    .slice(0, MAX_ERRORS)
    .map(({ pointer, detail }) => ({ pointer: pointer.slice(0, MAX_POINTER_CHARS), detail }));
  const message = errors.map(({ pointer, detail }) => `${pointer === "" ? "/" : pointer} ${detail}`).join("; ");
  return new BrokerError(code, message, { details: { errors } });
}

/** JSON pointer of a path. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
