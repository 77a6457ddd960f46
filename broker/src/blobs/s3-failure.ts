/** What went wrong at the storage, or on the way to it. */
export interface S3Failure {
  /** The storage's own word (`NoSuchKey`, `AccessDenied`), the system's (`ECONNREFUSED`), or the client's. */
  readonly code: string;
  /** HTTP status of its answer; undefined if there was none. */
  readonly status: number | undefined;
}

/** Refusals of one attempt that say nothing against the next: the request came too slowly, or with a clock that is off. */
const PASSING_CODES = ["RequestTimeout", "RequestTimeTooSkewed"];
/** No answer, and none to be expected: there is nothing to sign with, or no such host. */
const LASTING_CODES = ["CredentialsProviderError", "ENOTFOUND"];

/** Reads what the SDK threw: an answer of the storage (with `$metadata`), or an error of Node or of its own. */
export function toS3Failure(error: unknown): S3Failure {
  if (!(error instanceof Error)) return { code: "unknown", status: undefined };
  const { $metadata, $response, code } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly statusCode?: number };
    readonly code?: unknown;
  };
  // An answer that is no XML of S3 (a proxy's page) throws an error of the parser that carries it.
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  return { code: typeof code === "string" && status === undefined ? code : error.name, status };
}

/** Whether the bucket has no such key. HEAD has no body, so there the storage says just "not found". */
export function isKeyMissing({ code, status }: S3Failure): boolean {
  return status === 404 && (code === "NoSuchKey" || code === "NotFound");
}

/** Whether the same request may succeed in a moment: connections that break, and storages that ask for a pause. */
export function mayPass({ code, status }: S3Failure): boolean {
  if (PASSING_CODES.includes(code)) return true;
  if (LASTING_CODES.includes(code)) return false;
  return status === undefined || status === 408 || status === 429 || (status >= 500 && status !== 501);
}
