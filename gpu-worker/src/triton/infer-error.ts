import { BrokerError, type ErrorCode } from "@sluice/broker";
import { type ServiceError, status } from "@grpc/grpc-js";

/**
 * Who is to blame for a failed inference, which decides what is tried next:
 * `endpoint` (this server, now: try again, then give the batch back), `data` (the input: bisect the batch), or
 * `ambiguous` (a broken model and a bad input look alike: see whether a mate or the known-good example succeeds).
 */
export type Trouble = "endpoint" | "data" | "ambiguous";

/**
 * Every status of gRPC and what it means here. NOT_FOUND and UNIMPLEMENTED say that the model is not (yet) loaded there,
 * PERMISSION_DENIED and UNAUTHENTICATED that we are not welcome: none of them is the input's fault.
 * Python models raise INTERNAL for whatever they do not catch.
 */
const TROUBLE_OF_STATUS: Record<Exclude<keyof typeof status, "OK">, Trouble> = {
  CANCELLED: "endpoint",
  UNKNOWN: "endpoint",
  INVALID_ARGUMENT: "data",
  DEADLINE_EXCEEDED: "endpoint",
  NOT_FOUND: "endpoint",
  ALREADY_EXISTS: "endpoint",
  PERMISSION_DENIED: "endpoint",
  RESOURCE_EXHAUSTED: "endpoint",
  FAILED_PRECONDITION: "endpoint",
  ABORTED: "endpoint",
  OUT_OF_RANGE: "data",
  UNIMPLEMENTED: "endpoint",
  INTERNAL: "ambiguous",
  UNAVAILABLE: "endpoint",
  DATA_LOSS: "endpoint",
  UNAUTHENTICATED: "endpoint",
};

const CODE_OF_TROUBLE: Record<Trouble, ErrorCode> = {
  endpoint: "endpoint-unavailable",
  data: "input-rejected",
  ambiguous: "upstream-invalid",
};

/** The trouble that an error of a call, of splitting its response or of preparing its input stands for. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof BrokerError)) return "endpoint";
  if (error.code === CODE_OF_TROUBLE.data) return "data";
  return error.code === CODE_OF_TROUBLE.ambiguous ? "ambiguous" : "endpoint";
}

/**
 * A failed call as our error: `details.status` is gRPC's name of what happened, the original is the cause.
 * @param what names the call in the message.
 * @param reason is better known than what gRPC says.
 */
export function toInferError(error: ServiceError, what: string, reason = error.details): BrokerError {
  const name = statusName(error.code);
  const trouble = isTooLargeResponse(error) ? "data" : TROUBLE_OF_STATUS[name];
  return new BrokerError(CODE_OF_TROUBLE[trouble], `${what} failed with ${name}: ${reason}`, {
    cause: error,
    details: { status: name },
  });
}

/** Whether a call failed with an answer of the server; without one it may still be at work on it. */
export function wasAnswered(error: unknown): boolean {
  if (!(error instanceof BrokerError)) return false;
  const name = error.details["status"];
  return typeof name === "string" && !UNANSWERED.has(name);
}

/** What gRPC itself says when an answer does not come. */
const UNANSWERED: ReadonlySet<string> = new Set<keyof typeof TROUBLE_OF_STATUS>([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "UNKNOWN",
]);

function statusName(code: status): keyof typeof TROUBLE_OF_STATUS {
  const name = status[code] as keyof typeof status | undefined;
  return name === undefined || name === "OK" ? "UNKNOWN" : name;
}

/**
 * grpc-js itself ends a call with RESOURCE_EXHAUSTED when the response is over our limit. The server is well, and
 * trying again cannot help, but half the batch may fit.
 */
function isTooLargeResponse(error: ServiceError): boolean {
  return error.code === status.RESOURCE_EXHAUSTED && error.details.startsWith("Received message larger than max");
}
