import { BrokerError, ERROR_CODES, type ErrorCode } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../src/index.js";
import { requireJsonAccepted } from "../src/http/acceptable.js";
import { connectionLimit, openFilesLimit } from "../src/http/connection-limit.js";
import { ERROR_STATUS } from "../src/http/error-status.js";
import { toProblem } from "../src/http/problem.js";
import { parseWaitPreference } from "../src/http/wait-preference.js";
import { detectImageType } from "../src/images/header/image-type.js";

const request = { instance: "/v1/inference", requestId: "r1" };
const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

describe("problems", () => {
  test.each(CODES)("%s says whether a repeat may help, and when", (code) => {
    const { problem, headers } = toProblem(new BrokerError(code, "detail"), request, () => 0.99);
    expect(problem).toMatchObject({
      type: `/problems/${code}`,
      code,
      status: ERROR_STATUS[code],
      instance: "/v1/inference",
    });
    if (problem.status === 503 && code !== "endpoint-unavailable") {
      expect(problem.retryable).toBe(true);
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    }
    if (problem.status < 500 && problem.retryable) expect([408, 409, 429]).toContain(problem.status);
  });

  test("of our inside tell only the general meaning", () => {
    const secret = new BrokerError("storage-unavailable", "connect ECONNREFUSED 10.0.0.7:6379", {
      cause: new Error("OOM"),
    });
    expect(JSON.stringify(toProblem(secret, request).problem)).not.toMatch(/10\.0|OOM/);
  });
});

test.each([
  [undefined, undefined, { waitMs: 0 }],
  ["wait=5", undefined, { waitMs: 5_000, applied: "wait=5" }],
  ["respond-async, WAIT = 10", undefined, { waitMs: 10_000, applied: "wait=10" }],
  ['handling=lenient; foo, wait="7"', undefined, { waitMs: 7_000, applied: "wait=7" }],
  ["wait=1000000000", undefined, { waitMs: 60_000, applied: "wait=60" }],
  ["wait=100", undefined, { waitMs: 60_000, applied: "wait=60" }],
  ["wait=5.5", undefined, { waitMs: 0 }],
  ["await=5", undefined, { waitMs: 0 }],
  ["wait=5", "3", { waitMs: 3_000 }],
  [undefined, "0", { waitMs: 0 }],
])("Prefer %j and ?wait=%j are %j", (prefer, query, expected) => {
  expect(parseWaitPreference(prefer, query)).toEqual(expected);
});

test.each(["-1", "61", "1e9", "NaN", "", "1.5", " 1"])("?wait=%j is refused", (query) => {
  expect(() => parseWaitPreference(undefined, query)).toThrow(BrokerError);
});

test.each(["*/*", "application/*;q=0.5", "text/html, application/json", "APPLICATION/JSON"])(
  "Accept %s takes JSON",
  (accept) => {
    expect(() => requireJsonAccepted(accept)).not.toThrow();
  },
);
test.each(["text/html", "application/json;q=0", "application/jsonx", ""])("Accept %j does not", (accept) => {
  expect(() => requireJsonAccepted(accept)).toThrow(BrokerError);
});

test.each([
  ["ffd8ffe0", "image/jpeg"],
  ["89504e470d0a1a0a", "image/png"],
  [Buffer.from("RIFF\0\0\0\0WEBPVP8 ", "latin1").toString("hex"), "image/webp"],
  [Buffer.from("\0\0\0\x20ftypavif", "latin1").toString("hex"), "image/avif"],
  [Buffer.from("GIF89a").toString("hex"), "image/gif"],
  [Buffer.from("RIFF\0\0\0\0WAVE", "latin1").toString("hex"), undefined],
  ["ffd8", undefined],
  ["", undefined],
])("bytes that begin with %s are %s", (hex, type) => {
  expect(detectImageType(Buffer.from(hex, "hex"))).toBe(type);
});

describe("the environment", () => {
  test("is complete without any variable", () => {
    expect(parseConfig({})).toEqual({
      redis: { kind: "single", nodes: [{ host: "127.0.0.1", port: 6379 }], tls: false },
      durability: { level: "memory" },
      host: "127.0.0.1",
      port: 8080,
      maxConnections: connectionLimit(openFilesLimit()),
      zone: "local",
      blobs: { kind: "folder", folder: ".sluice/blobs" },
      s3: { endpoint: undefined, region: "us-east-1" },
      s3InputBuckets: [],
      bodyBudgetBytes: 512 * 1024 * 1024,
      imageUrls: { places: new Set(), ranges: [] },
      identity: { keys: false, tokens: undefined },
      drainMs: 1_000,
      logLevel: "info",
    });
  });
  test("is refused with every problem named", () => {
    expect(() => parseConfig({ PORT: "http", LOG_LEVEL: "loud" })).toThrow(/PORT.*LOG_LEVEL/);
    expect(() => parseConfig({ BODY_BUDGET_MIB: "79", DRAIN_MS: "-1" })).toThrow(/BODY_BUDGET_MIB.*DRAIN_MS/);
    expect(() => parseConfig({ IMAGE_URL_ALLOW: "10.0.0.0/33" })).toThrow(/10\.0\.0\.0\/33/);
    expect(() => parseConfig({ REDIS_URL: "http://x" })).toThrow(BrokerError);
    expect(() => parseConfig({ BLOB_STORE: "s3://Blobs", S3_ENDPOINT: "s3", S3_REGION: "EU" })).toThrow(
      /BLOB_STORE.*S3_ENDPOINT.*S3_REGION/,
    );
    expect(() => parseConfig({ S3_INPUT_BUCKETS: "pictures,arn:aws:s3:::x" })).toThrow(/S3_INPUT_BUCKETS/);
  });
  test("may name a bucket for large inputs, and buckets of inputs", () => {
    const s3 = { endpoint: "http://127.0.0.1:9000", region: "eu-west-1" };
    expect(
      parseConfig({
        BLOB_STORE: "s3://blobs/sluice",
        BLOB_DIR: "elsewhere",
        S3_ENDPOINT: s3.endpoint,
        S3_REGION: s3.region,
        S3_INPUT_BUCKETS: "pictures, more.pictures",
      }),
    ).toMatchObject({
      blobs: { kind: "bucket", bucket: "blobs", prefix: "sluice/", access: s3 },
      s3,
      s3InputBuckets: ["pictures", "more.pictures"],
    });
  });
});
