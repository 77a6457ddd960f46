/** Every way in which Sluice refuses or fails, each with the sentence that explains it and whether trying again helps. */
export const ERROR_CODES = {
  "invalid-request": { meaning: "The request cannot be understood.", retryable: false },
  "validation-failed": {
    meaning: "The request is well formed, but a field has a value that is not allowed.",
    retryable: false,
  },
  "invalid-json": { meaning: "The body is not JSON in UTF-8.", retryable: false },
  "json-too-complex": { meaning: "The JSON body has too many values or is nested too deeply.", retryable: false },
  "invalid-multipart": { meaning: "The multipart body cannot be read.", retryable: false },
  "invalid-base64": { meaning: "A value is not Base64 with padding.", retryable: false },
  "tensor-invalid": {
    meaning: "Type, shape and data of a tensor do not fit each other or the model.",
    retryable: false,
  },
  "unsupported-media-type": { meaning: "The body has no Content-Type that this endpoint takes.", retryable: false },
  "unsupported-content-encoding": { meaning: "Compressed bodies are not taken.", retryable: false },
  "unsupported-image-type": { meaning: "The bytes are no image of a type that is taken.", retryable: false },
  "image-corrupt": { meaning: "The picture does not keep to its format, or is cut off.", retryable: false },
  "image-too-large": {
    meaning: "The picture has more pixels, a longer side or more frames than are taken.",
    retryable: false,
  },
  "image-processing-timeout": { meaning: "The picture takes too long to decode.", retryable: false },
  "url-not-allowed": { meaning: "The URL is none that Sluice fetches.", retryable: false },
  "too-many-redirects": { meaning: "The URL leads on to others too many times.", retryable: false },
  "s3-bucket-not-allowed": { meaning: "Objects of this bucket are not taken as inputs here.", retryable: false },
  "input-not-found": { meaning: "There is no input where the request says.", retryable: false },
  "input-fetch-failed": { meaning: "The input could not be fetched from where the request says.", retryable: false },
  "input-fetch-timeout": { meaning: "The input did not come in time from where the request says.", retryable: true },
  unauthenticated: { meaning: "The request does not say who makes it.", retryable: false },
  "invalid-token": {
    meaning: "The key or token is unknown, revoked, expired, or not for this service.",
    retryable: false,
  },
  "ambiguous-credentials": { meaning: "The request has more than one key or token.", retryable: false },
  "credentials-in-url": {
    meaning: "A key or token in a URL ends up in logs; it belongs in a header.",
    retryable: false,
  },
  "insufficient-scope": { meaning: "The key or token does not allow this.", retryable: false },
  "identity-unavailable": { meaning: "Tokens cannot be checked, for their keys cannot be fetched.", retryable: true },
  "rate-limited": { meaning: "The caller has made as many requests as it may for now.", retryable: true },
  "too-many-waiters": { meaning: "The caller has as many requests that wait as it may have.", retryable: true },
  "headers-too-large": { meaning: "The request has too many or too large headers.", retryable: false },
  "request-timeout": { meaning: "The request did not arrive in time.", retryable: true },
  "not-found": { meaning: "There is nothing at this path.", retryable: false },
  "method-not-allowed": { meaning: "The path does not take this method.", retryable: false },
  "not-acceptable": { meaning: "The answer has no form that the Accept header allows.", retryable: false },
  "model-not-found": { meaning: "No model of that name and version is registered.", retryable: false },
  "payload-too-large": { meaning: "The input is larger than its limit.", retryable: false },
  "task-not-found": { meaning: "There is no such task for this caller.", retryable: false },
  "result-expired": { meaning: "The task was finished, and its result is no longer kept.", retryable: false },
  "result-timeout": {
    meaning: "The result did not come while the request could wait for it.",
    retryable: true,
  },
  "task-ended": { meaning: "The task has reached another terminal state already.", retryable: false },
  "not-retryable": {
    meaning: "Only a task that failed, and whose input is still kept, can be retried.",
    retryable: false,
  },
  overloaded: { meaning: "This process works on as much at once as it may.", retryable: true },
  "deadline-unattainable": { meaning: "So much work waits that the task would miss its deadline.", retryable: true },
  "queue-full": { meaning: "As many tasks wait as the queue may hold.", retryable: true },
  "storage-full": {
    meaning: "Redis is so full that what remains is kept for results. Results that are read or expire make room.",
    retryable: true,
  },
  "no-workers": { meaning: "No worker serves the pool of this model at the moment.", retryable: true },
  "storage-unavailable": { meaning: "Redis or the blob store did not carry out a command.", retryable: true },
  "durability-unconfirmed": {
    meaning: "It is not known whether the task was accepted. Repeating it with the same Idempotency-Key is safe.",
    retryable: true,
  },
  "shutting-down": { meaning: "This process is stopping and takes no new work.", retryable: true },
  "idempotency-key-reused": {
    meaning: "The Idempotency-Key belongs to a request with another body.",
    retryable: false,
  },
  "request-in-progress": {
    meaning: "The first request with this Idempotency-Key is still being admitted.",
    retryable: true,
  },
  "endpoint-unavailable": { meaning: "The inference endpoint is down, overloaded or too slow.", retryable: true },
  "input-rejected": { meaning: "The model or the decoder refused this input.", retryable: false },
  "upstream-invalid": { meaning: "The inference endpoint gave an answer that cannot be used.", retryable: false },
  "entry-malformed": { meaning: "An entry of a ready stream was not written by Sluice.", retryable: false },
  "worker-died": { meaning: "Workers died each time they ran this input.", retryable: false },
  "config-invalid": { meaning: "A setting has a value or a combination that is not allowed.", retryable: false },
  internal: { meaning: "A bug in Sluice.", retryable: false },
} as const;

/** One of the closed list of codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The only error class of Sluice. Switch on `code`, never on the message. */
export class BrokerError extends Error {
  readonly code: ErrorCode;
  /** Facts for the caller that are safe to show: limits, pointers, waiting times. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, { cause: options.cause });
    this.name = "BrokerError";
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  /** The error itself if it is ours already, else one with the given code and the original as its cause. */
  static from(error: unknown, code: ErrorCode, message: string): BrokerError {
    return error instanceof BrokerError ? error : new BrokerError(code, message, { cause: error });
  }
}
