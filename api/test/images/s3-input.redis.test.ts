import { openS3Objects } from "@sluice/broker";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { useS3 } from "../../../broker/test/blobs/s3-fixture.js";
import { startTcpLink, type TcpLink } from "../../../faults/src/proxy/tcp-link.js";
import { createBodyIntake } from "../../src/http/body-intake.js";
import { createS3Source, type FetchObject, type S3SourceOptions } from "../../src/images/s3-source.js";
import { useApi } from "../api-fixture.js";
import { PNG } from "../pictures.js";

const MIB = 1024 * 1024;
const LIMITS: S3SourceOptions = { buckets: ["pictures", "gone"], maxBytes: 50 * MIB };

let fetchObject: FetchObject;
const s3 = useS3(async ({ server, makeBucket, putObject }) => {
  await makeBucket("pictures");
  await makeBucket("private");
  await putObject("pictures", "photos/Größe 1.png", PNG);
  await putObject("private", "photo.png", PNG);
  await putObject("pictures", "large.png", Buffer.concat([PNG, Buffer.alloc(51 * MIB)]));
  await putObject("pictures", "notes.txt", "no picture");
  await putObject("pictures", "empty", Buffer.alloc(0));
  fetchObject = createS3Source(await openS3Objects({ endpoint: server.endpoint, region: "us-east-1" }), LIMITS);
});
const open = (endpoint: string) => openS3Objects({ endpoint, region: "us-east-1" });
const key = "photos/Größe 1.png";

describe("POST /v1/inference with an object in S3", () => {
  const api = useApi({ deps: { fetchObject: (...of) => fetchObject(...of) } });
  const heldBytes = async () => {
    const { body } = await api.ask("/metrics");
    return Number(/^sluice_body_bytes (\d+)$/m.exec(String(body["text"]))?.[1]);
  };

  test("admits the picture that it is, the same as when its bytes are sent", async () => {
    const first = await api.submit({ s3: { bucket: "pictures", key } });
    expect(first).toMatchObject({ status: 202, body: { status: "PENDING", cache: "miss" } });
    const again = await api.submit({ image_base64: PNG.toString("base64") });
    expect(again).toMatchObject({ status: 202, body: { cache: "joined" } });
    expect(await heldBytes()).toBe(0);
  });

  /** What, the reference, and the status and code, or the field that is named, of the answer. */
  const refused: readonly (readonly [what: string, s3: unknown, answer: string])[] = [
    ["another bucket", { bucket: "private", key: "photo.png" }, "403 s3-bucket-not-allowed"],
    ["a bucket that there is not", { bucket: "nowhere", key }, "403 s3-bucket-not-allowed"],
    ["an allowed bucket that there is not", { bucket: "gone", key }, "422 input-fetch-failed"],
    ["no such key", { bucket: "pictures", key: "photos/none.png" }, "422 input-not-found"],
    ["51 MiB", { bucket: "pictures", key: "large.png" }, "413 payload-too-large"],
    ["no picture", { bucket: "pictures", key: "notes.txt" }, "415 unsupported-image-type"],
    ["nothing", { bucket: "pictures", key: "empty" }, "/input"],
    ["a path upwards", { bucket: "pictures", key: "../private/photo.png" }, "/input/s3/key"],
    ["a path through", { bucket: "pictures", key: "a/../b" }, "/input/s3/key"],
    ["a line break", { bucket: "pictures", key: "a\r\nhost: x" }, "/input/s3/key"],
    ["a long key", { bucket: "pictures", key: "a".repeat(1_025) }, "/input/s3/key"],
    ["no key", { bucket: "pictures" }, "/input/s3/key"],
    ["a bucket with a path", { bucket: "pictures/x", key }, "/input/s3/bucket"],
    ["an access point", { bucket: arn("accesspoint/mine"), key }, "/input/s3/bucket"],
    ["an alias", { bucket: "mine-abc123-s3alias", key }, "/input/s3/bucket"],
    ["an endpoint", { bucket: "pictures", key, endpoint: "http://x" }, "/input/s3/endpoint"],
    ["a URL", "s3://pictures/photo.png", "/input/s3"],
    ["a list", [{ bucket: "pictures", key }], "/input/s3"],
  ];
  test.each(refused)("refuses %s", async (_what, reference, expected) => {
    const answer = await api.submit({ s3: reference });
    const isPointer = expected.startsWith("/");
    expect(`${answer.status} ${String(answer.body["code"])}`).toBe(isPointer ? "422 validation-failed" : expected);
    if (isPointer) expect(answer.body["errors"]).toMatchObject([{ pointer: expected }]);
    expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|owner|NoSuchBucket/);
    expect(await api.workKeys()).toEqual([]);
    expect(await api.blobs()).toEqual([]);
    expect(await heldBytes()).toBe(0);
  });

  test("sends nothing to an endpoint that bucket or key name", async () => {
    let requests = 0;
    const listener = createServer((_request, response) => {
      requests++;
      response.end();
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    const inKey = await api.submit({ s3: { bucket: "pictures", key: `photo.png?endpoint=${endpoint}` } });
    expect(inKey).toMatchObject({ status: 422, body: { code: "input-not-found" } });
    const inBucket = await api.submit({ s3: { bucket: `pictures?endpoint=${endpoint}`, key } });
    expect(inBucket).toMatchObject({ status: 422, body: { code: "validation-failed" } });
    expect(requests).toBe(0);
    await new Promise((resolve) => listener.close(resolve));
  });

  test("takes one input only", async () => {
    const answer = await api.submit({ s3: { bucket: "pictures", key }, image_base64: PNG.toString("base64") });
    expect(answer).toMatchObject({ status: 422, body: { code: "validation-failed" } });
  });
});

describe("without buckets that are allowed", () => {
  const api = useApi();
  test("every object is refused", async () => {
    const answer = await api.submit({ s3: { bucket: "pictures", key } });
    expect(answer).toMatchObject({ status: 403, body: { code: "s3-bucket-not-allowed" } });
  });
});

describe("fetching an object over a bad connection", () => {
  let link: TcpLink;
  const intake = createBodyIntake(80 * MIB);
  beforeEach(async () => {
    link = await startTcpLink({ name: "s3", targetPort: s3.server.port });
  });
  afterEach(async () => {
    await link.stop();
    expect(intake.heldBytes()).toBe(0);
  });

  /** Fetches once; says what came of it, and how long it took. */
  async function fetchOnce(options: Partial<S3SourceOptions> = {}, signal?: AbortSignal) {
    const source = createS3Source(await open(`http://${link.address}`), { ...LIMITS, ...options });
    const share = intake.open();
    const startMs = performance.now();
    try {
      return { bytes: (await source({ bucket: "pictures", key }, share, signal)).bytes.length, ms: 0 };
    } catch (error) {
      return { code: (error as { code?: unknown }).code, ms: performance.now() - startMs };
    } finally {
      share.release();
    }
  }

  test("has all bytes, or says that it has not", async () => {
    expect(await fetchOnce()).toMatchObject({ bytes: PNG.length });
    await link.setFault({ kind: "cut-after", bytes: 200 });
    expect(await fetchOnce()).toMatchObject({ code: "input-fetch-failed" });
    await link.setFault({ kind: "refuse" });
    expect(await fetchOnce()).toMatchObject({ code: "input-fetch-failed" });
  });

  test("ends in its time when nothing comes", async () => {
    await link.setFault({ kind: "black-hole" });
    const { code, ms } = await fetchOnce({ timeoutMs: 600 });
    expect(code).toBe("input-fetch-timeout");
    expect(ms).toBeGreaterThan(550);
    expect(ms).toBeLessThan(2_000);
  });

  test("ends when the caller goes away, and when this process stops", async () => {
    await link.setFault({ kind: "black-hole" });
    const gone = new AbortController();
    setTimeout(() => gone.abort(), 50);
    const left = await fetchOnce({}, gone.signal);
    expect(left).toMatchObject({ code: "invalid-request" });
    setTimeout(() => intake.stop(), 50);
    const stopped = await fetchOnce();
    expect(stopped).toMatchObject({ code: "shutting-down" });
    expect(Math.max(left.ms, stopped.ms)).toBeLessThan(2_000);
  });

  test("is refused where there is no room for the bytes", async () => {
    const other = intake.open();
    other.require(70 * MIB);
    const large = { bucket: "pictures", key: "large.png" };
    const share = intake.open();
    const source = createS3Source(await open(s3.server.endpoint), { ...LIMITS, maxBytes: 60 * MIB });
    const outcome = await source(large, share).then(
      ({ bytes }) => bytes.length,
      (error: unknown) => (error as { code?: unknown }).code,
    );
    expect(outcome).toBe("overloaded");
    share.release();
    other.release();
  });
});

function arn(resource: string): string {
  return `arn:aws:s3:us-east-1:123456789012:${resource}`;
}
