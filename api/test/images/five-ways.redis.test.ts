import { openS3Objects } from "@sluice/broker";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { useS3 } from "../../../broker/test/blobs/s3-fixture.js";
import { createS3Source, type FetchObject } from "../../src/images/s3-source.js";
import { parseUrlAllowance } from "../../src/images/url-allowance.js";
import { onlyRun } from "../answered.js";
import { type Ask, countRuns, until, useApi } from "../api-fixture.js";
import { floatOutput, settle } from "../fake-worker.js";
import { JPEG } from "../pictures.js";

const MIB = 1024 * 1024;
const LARGE = Buffer.concat([JPEG, Buffer.alloc(51 * MIB - JPEG.length)]);

let fetchObject: FetchObject;
useS3(async ({ server, makeBucket, putObject }) => {
  await makeBucket("pictures");
  await putObject("pictures", "small", JPEG);
  await putObject("pictures", "large", LARGE);
  const objects = await openS3Objects({ endpoint: server.endpoint, region: "us-east-1" });
  fetchObject = createS3Source(objects, { buckets: ["pictures"], maxBytes: 50 * MIB });
});

const server = createServer((request, response) => response.end(request.url === "/large" ? LARGE : JPEG));
let base = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const fixture = useApi({ deps: { fetchObject: (...of) => fetchObject(...of) } });
beforeEach(async () => {
  fixture.api = await fixture.startApi({ imageUrls: parseUrlAllowance(new URL(base).host) });
});

type Size = "small" | "large";
const bytesOf = (size: Size) => (size === "small" ? JPEG : LARGE);

function form(picture: Buffer): Ask {
  const raw = Buffer.concat([
    Buffer.from('--x\r\ncontent-disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'),
    picture,
    Buffer.from("\r\n--x--\r\n"),
  ]);
  return { raw, headers: { "content-type": "multipart/form-data; boundary=x" } };
}

/** The ways of a picture into POST /classify. */
const WAYS: readonly (readonly [way: string, ask: (size: Size) => Ask])[] = [
  ["as the body", (size) => ({ raw: bytesOf(size), headers: { "content-type": "image/jpeg" } })],
  ["in a form", (size) => form(bytesOf(size))],
  ["in Base64", (size) => ({ json: { image_base64: bytesOf(size).toString("base64") } })],
  [
    "in a data URL",
    (size) => ({ json: { image_base64: `data:image/jpeg;base64,${bytesOf(size).toString("base64")}` } }),
  ],
  ["behind a URL", (size) => ({ json: { image_url: `${base}/${size}` } })],
  ["in S3", (size) => ({ json: { s3: { bucket: "pictures", key: size } } })],
];

test("a picture gets one answer, whichever way it comes", async () => {
  const asked = WAYS.map(([, ask]) => fixture.ask("/classify", { method: "POST", ...ask("small") }));
  const runId = await onlyRun(fixture);
  await until(() => fixture.api.waitCount() === WAYS.length);
  expect(await countRuns(fixture.redis)).toBe(1);
  await until(async () => (await fixture.blobs()).length === 1);
  await settle(fixture.redis, runId, { state: "SUCCESS", output: [floatOutput("S", [0.75, 0.25])] });
  const answers = await Promise.all(asked);
  expect(answers.map(({ status }) => status)).toEqual(WAYS.map(() => 200));
  const [first, ...others] = answers.map(({ body }) => body["predictions"]);
  for (const predictions of others) expect(predictions).toEqual(first);
});

test.each(WAYS)("51 MB %s are 413", async (_way, ask) => {
  for (const path of ["/classify", "/v1/inference"]) {
    const { json, ...rest } = ask("large");
    const body = path === "/classify" ? json : { input: json };
    const answer = await fixture.ask(path, { method: "POST", ...rest, ...(json === undefined ? {} : { json: body }) });
    expect(answer).toMatchObject({ status: 413, body: { code: "payload-too-large" } });
  }
  expect(await fixture.workKeys()).toEqual([]);
  expect(await fixture.blobs()).toEqual([]);
});
