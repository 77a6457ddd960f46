import { ERROR_CODES, type ErrorCode } from "@sluice/broker";
import { ERROR_STATUS } from "../http/error-status.js";
import { ERROR_ADVICE } from "./error-advice.js";

/** All that is known of a code. */
export interface ErrorText {
  readonly code: ErrorCode;
  readonly status: number;
  readonly meaning: string;
  readonly retryable: boolean;
  readonly advice: string;
}

/** Every code, by status and name. */
export const ERROR_TEXTS: readonly ErrorText[] = (Object.keys(ERROR_CODES) as ErrorCode[])
  .map((code) => ({ code, status: ERROR_STATUS[code], ...ERROR_CODES[code], advice: ERROR_ADVICE[code] }))
  .sort((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1));

/** The page of all codes, in Markdown: `docs/errors.md`. Pure. */
export function toErrorsPage(texts: readonly ErrorText[] = ERROR_TEXTS): string {
  const rows = texts.map(
    ({ code, status, meaning, retryable, advice }) =>
      `| \`${code}\` | ${status} | ${meaning} | ${retryable ? "yes" : "no"} | ${advice} |`,
  );
  return `# Errors

Every refusal is \`application/problem+json\` (RFC 9457) with one of these codes, and so is the \`error\` of a task that failed, with its code and a
message. The page is made of the tables in \`broker/src/errors.ts\`, \`api/src/http/error-status.ts\` and \`api/src/docs/error-advice.ts\`; the api shows
each code at \`/problems/CODE\`, where the \`type\` of a problem leads.

| code | status | meaning | may help to try again | what to do |
|---|---|---|---|---|
${rows.join("\n")}
`;
}
