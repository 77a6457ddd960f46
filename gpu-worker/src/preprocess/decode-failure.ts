import { BrokerError, type ErrorCode } from "@sluice/broker";

/** Most of what a decoder says that is told on. */
const MAX_CHARS = 200;

/** What sharp says (it has no codes), and what that is; all else is damage. */
const REASONS: readonly (readonly [says: RegExp, code: ErrorCode])[] = [
  [/pixel limit|channel limit/i, "image-too-large"],
  [/^timeout/i, "image-processing-timeout"],
  [/unsupported image format/i, "unsupported-image-type"],
];

/** An error of sharp as the end of the task whose picture it was. */
export function decodeFailure(cause: unknown): BrokerError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [, code] = REASONS.find(([says]) => says.test(text)) ?? [undefined, "image-corrupt" as const];
  const said = (text.split("\n", 1)[0] ?? "").slice(0, MAX_CHARS);
  return new BrokerError(code, `the picture cannot be decoded: ${said}`, { cause });
}

/** The end of a task whose picture takes too long. */
export function decodeTimeout(maxMs: number): BrokerError {
  return new BrokerError("image-processing-timeout", `the picture cannot be decoded in ${maxMs} ms`);
}
