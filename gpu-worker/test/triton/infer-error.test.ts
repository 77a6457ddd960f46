import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { BrokerError } from "@sluice/broker";
import { expect, test } from "vitest";
import { toInferError, troubleOf } from "../../src/triton/infer-error.js";

const failure = (code: number, details = ""): ServiceError =>
  Object.assign(new Error(details), { code, details, metadata: new Metadata() });

const CODES = { endpoint: "endpoint-unavailable", data: "input-rejected", ambiguous: "upstream-invalid" };

test.each([
  ["CANCELLED", "endpoint"],
  ["UNKNOWN", "endpoint"],
  ["INVALID_ARGUMENT", "data"],
  ["DEADLINE_EXCEEDED", "endpoint"],
  ["NOT_FOUND", "endpoint"],
  ["ALREADY_EXISTS", "endpoint"],
  ["PERMISSION_DENIED", "endpoint"],
  ["RESOURCE_EXHAUSTED", "endpoint"],
  ["FAILED_PRECONDITION", "endpoint"],
  ["ABORTED", "endpoint"],
  ["OUT_OF_RANGE", "data"],
  ["UNIMPLEMENTED", "endpoint"],
  ["INTERNAL", "ambiguous"],
  ["UNAVAILABLE", "endpoint"],
  ["DATA_LOSS", "endpoint"],
  ["UNAUTHENTICATED", "endpoint"],
] as const)("%s is trouble of the kind: %s", (name, trouble) => {
  const error = toInferError(failure(status[name], "why"), "ModelInfer");
  expect({ code: error.code, message: error.message, details: error.details, trouble: troubleOf(error) }).toEqual({
    code: CODES[trouble],
    message: `ModelInfer failed with ${name}: why`,
    details: { status: name },
    trouble,
  });
});

test("a status that gRPC does not define is trouble with the endpoint", () => {
  expect(troubleOf(toInferError(failure(99), "ModelInfer"))).toBe("endpoint");
});

test("other errors are trouble with the endpoint, unless their code says otherwise", () => {
  expect(troubleOf(new Error("socket"))).toBe("endpoint");
  expect(troubleOf(new BrokerError("storage-unavailable", ""))).toBe("endpoint");
  expect(troubleOf(new BrokerError("input-rejected", ""))).toBe("data");
  expect(troubleOf(new BrokerError("upstream-invalid", ""))).toBe("ambiguous");
});
