import { describe, expect, test } from "vitest";
import { BrokerError, isPlainBucket, isS3Endpoint, parseBucketUrl, withS3Retries } from "../../src/index.js";
import { isKeyMissing, mayPass, toS3Failure } from "../../src/blobs/s3-failure.js";

describe("names of buckets", () => {
  test.each(["abc", "blobs", "my-bucket.v2", "0123", "a".repeat(63)])("%s is one", (name) => {
    expect(isPlainBucket(name)).toBe(true);
  });
  test.each([
    "",
    "ab",
    "a".repeat(64),
    "Bucket",
    "a_b",
    "-abc",
    "abc-",
    ".abc",
    "abc.",
    "a..b",
    "a.-b",
    "a-.b",
    "192.168.5.4",
    "xn--abc",
    "sthree-abc",
    "abc-s3alias",
    "abc--ol-s3",
    "abc.mrap",
    "abc--usw2-az1--x-s3",
    "abc--table-s3",
    "a/b",
    "a?endpoint=http://x",
    "a b",
    "a\n",
    "bücher",
    "arn:aws:s3:us-east-1:123456789012:accesspoint/mine",
    "arn:aws:s3:::blobs",
  ])("%j is none", (name) => {
    expect(isPlainBucket(name)).toBe(false);
  });
});

test.each([
  ["s3://blobs", { bucket: "blobs", prefix: "" }],
  ["s3://blobs/", { bucket: "blobs", prefix: "" }],
  ["s3://blobs/sluice", { bucket: "blobs", prefix: "sluice/" }],
  ["s3://blobs/a/b.c/", { bucket: "blobs", prefix: "a/b.c/" }],
  ["s3://", undefined],
  ["s3:///x", undefined],
  ["s3://Blobs", undefined],
  ["s3://blobs//x", undefined],
  ["s3://blobs/../x", undefined],
  ["s3://blobs/./x", undefined],
  ["s3://blobs/a b", undefined],
  ["s3://blobs/a?b=c", undefined],
  ["s3://user:secret@blobs/a", undefined],
  ["https://blobs/a", undefined],
  ["blobs", undefined],
  ["", undefined],
])("the URL %j names %j", (url, place) => {
  expect(parseBucketUrl(url)).toEqual(place);
});

test.each([
  ["http://127.0.0.1:9000", true],
  ["https://s3.example.com/storage/v1", true],
  ["https://user:secret@s3.example.com", false],
  ["https://s3.example.com?x=1", false],
  ["https://s3.example.com#x", false],
  ["ftp://s3.example.com", false],
  ["s3.example.com", false],
  ["", false],
])("%j is an endpoint: %s", (url, is) => {
  expect(isS3Endpoint(url)).toBe(is);
});

/** What the SDK throws where the storage answered. */
const answered = (name: string, status: number) =>
  Object.assign(new Error("told"), { name, $metadata: { httpStatusCode: status } });
/** What Node throws where it did not. */
const broken = (code: string) => Object.assign(new Error("told"), { code });

describe("what a storage or the way to it has said", () => {
  test.each([
    [answered("NoSuchKey", 404), true],
    [answered("NotFound", 404), true],
    [answered("NoSuchBucket", 404), false],
    [answered("AccessDenied", 403), false],
    [broken("ENOENT"), false],
    ["text", false],
  ])("%s: the key is missing: %s", (error, is) => {
    expect(isKeyMissing(toS3Failure(error))).toBe(is);
  });

  test.each([
    [answered("InternalError", 500), true],
    [answered("SlowDown", 503), true],
    [answered("TooManyRequests", 429), true],
    [answered("RequestTimeout", 400), true],
    [answered("RequestTimeTooSkewed", 403), true],
    [answered("NotImplemented", 501), false],
    [answered("AccessDenied", 403), false],
    [answered("NoSuchBucket", 404), false],
    [answered("PermanentRedirect", 301), false],
    [broken("ECONNREFUSED"), true],
    [broken("ECONNRESET"), true],
    [Object.assign(new Error("silent"), { name: "TimeoutError" }), true],
    [broken("ENOTFOUND"), false],
    [Object.assign(new Error("nothing to sign with"), { name: "CredentialsProviderError" }), false],
    [Object.assign(new SyntaxError("a page of a proxy"), { $response: { statusCode: 502 } }), true],
    [Object.assign(new SyntaxError("a page of a proxy"), { $response: { statusCode: 404 } }), false],
  ])("%s: it may pass: %s", (error, is) => {
    expect(mayPass(toS3Failure(error))).toBe(is);
  });
});

describe("attempts", () => {
  /** Fails with each of the errors, then succeeds. */
  const failing = (...errors: unknown[]) => {
    const act = async (): Promise<string> => {
      act.calls++;
      if (errors.length > 0) throw errors.shift();
      return "done";
    };
    act.calls = 0;
    return act;
  };
  const unending = { signal: new AbortController().signal, firstPauseMs: 1 };

  test("are repeated after what may pass", async () => {
    const act = failing(broken("ECONNRESET"), answered("SlowDown", 503), answered("InternalError", 500));
    expect(await withS3Retries(act, unending)).toBe("done");
    expect(act.calls).toBe(4);
  });

  test("end with the last error when there were enough", async () => {
    const act = failing(broken("1"), broken("2"), broken("3"), broken("4"), broken("5"));
    await expect(withS3Retries(act, unending)).rejects.toMatchObject({ code: "4" });
    expect(act.calls).toBe(4);
  });

  test.each([answered("AccessDenied", 403), new BrokerError("payload-too-large", "too large")])(
    "end at once with %s",
    async (error) => {
      const act = failing(error);
      await expect(withS3Retries(act, unending)).rejects.toBe(error);
      expect(act.calls).toBe(1);
    },
  );

  test("end with the reason of the signal, in the middle of a pause too", async () => {
    const stop = new AbortController();
    const reason = new BrokerError("shutting-down", "enough");
    const act = failing(broken("ECONNRESET"));
    const ended = withS3Retries(act, { signal: stop.signal, firstPauseMs: 3_600_000, random: () => 1 });
    setTimeout(() => stop.abort(reason), 10);
    await expect(ended).rejects.toBe(reason);
    await expect(withS3Retries(act, { signal: stop.signal })).rejects.toBe(reason);
    expect(act.calls).toBe(1);
  });

  test("pause up to twice as long each time", async () => {
    const pauses: number[] = [];
    let lastMs = performance.now();
    const act = async (): Promise<void> => {
      pauses.push(performance.now() - lastMs);
      lastMs = performance.now();
      throw broken("ECONNRESET");
    };
    await expect(withS3Retries(act, { ...unending, firstPauseMs: 20, random: () => 1 })).rejects.toThrow();
    [20, 40, 80].forEach((least, i) => expect(pauses[i + 1]).toBeGreaterThan(least - 2));
  });
});
