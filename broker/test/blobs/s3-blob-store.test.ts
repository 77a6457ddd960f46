import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { freePort } from "@sluice/stack";
import { startTcpLink, type TcpLink } from "../../../faults/src/proxy/tcp-link.js";
import { createS3BlobStore } from "../../src/blobs/s3-blob-store.js";
import { type BlobStore, createTaskId, openBlobStore, openS3Objects, type S3Objects } from "../../src/index.js";
import { testBlobStore } from "./blob-store-contract.js";
import { becomeUser, OWNER, READER, useS3 } from "./s3-fixture.js";

const BUCKET = "blobs";
const region = "us-east-1";
let count = 0;
/** An empty part of the bucket. */
const freshPrefix = () => `test-${++count}/`;

const s3 = useS3(({ makeBucket }) => makeBucket(BUCKET));
const open = (endpoint = s3.server.endpoint): Promise<S3Objects> => openS3Objects({ endpoint, region });

describe("the blob store in S3", () => {
  testBlobStore({
    open: async () => createS3BlobStore(await open(), { bucket: BUCKET, prefix: freshPrefix() }),
    // Its times have whole seconds, and only it can set them.
    age: () => new Promise((resolve) => setTimeout(resolve, 3_500)),
    oldMs: 1_000,
    close: async () => undefined,
  });

  test("keeps to its prefix, and lists no foreign keys", async () => {
    const objects = await open();
    const prefix = freshPrefix();
    const [own, inner] = [
      createS3BlobStore(objects, { bucket: BUCKET, prefix }),
      createS3BlobStore(objects, { bucket: BUCKET, prefix: `${prefix}inner/` }),
    ];
    const [id, innerId] = [createTaskId(1, 1), createTaskId(2, 2)];
    await own.put(id, Buffer.from("own"));
    await inner.put(innerId, Buffer.from("inner"));
    await s3.putObject(BUCKET, `${prefix}readme.txt`, "not a blob");
    expect(await inner.get(id)).toBeUndefined();
    expect(await listOf(own)).toEqual([id]);
    expect(await listOf(inner)).toEqual([innerId]);
  });

  test("lists every blob once, however many pages they take", async () => {
    const blobs = createS3BlobStore(await open(), { bucket: BUCKET, prefix: freshPrefix() }, { pageSize: 3 });
    const ids = Array.from({ length: 10 }, (_, i) => createTaskId(i, 1)).sort();
    for (const id of ids) await blobs.put(id, Buffer.from("x"));
    expect(await listOf(blobs)).toEqual(ids);
  });
});

describe("the blob store in S3, over a bad connection,", () => {
  let link: TcpLink;
  let direct: BlobStore;
  let blobs: BlobStore;
  const id = createTaskId(1, 1);
  const bytes = Buffer.alloc(2_000_000, "picture");
  beforeEach(async () => {
    link = await startTcpLink({ name: "s3", targetPort: s3.server.port });
    const place = { bucket: BUCKET, prefix: freshPrefix() };
    direct = createS3BlobStore(await open(), place);
    blobs = createS3BlobStore(await open(`http://${link.address}`), place, { totalMs: 1_000 });
  });
  afterEach(() => link.stop());

  test("does what it is told when connections break that it had, and when nobody listens for a moment", async () => {
    await blobs.put(id, bytes);
    await link.setFault({ kind: "reset" });
    expect((await blobs.get(id))?.equals(bytes)).toBe(true);
    await link.setFault({ kind: "refuse" });
    const deleting = blobs.delete(id);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await link.setFault(undefined);
    await deleting;
    expect(await direct.get(id)).toBeUndefined();
  });

  test("never takes a part of a blob for the whole", async () => {
    await direct.put(id, bytes);
    await link.setFault({ kind: "cut-after", bytes: 500_000 });
    await expect(blobs.get(id)).rejects.toMatchObject({ code: "storage-unavailable" });
    setTimeout(() => void link.setFault(undefined), 50);
    expect((await blobs.get(id))?.equals(bytes)).toBe(true);
  });

  test("leaves the blob as it was when the connections break on which a new one is sent", async () => {
    await direct.put(id, Buffer.from("before"));
    const cutter = await startCutter(s3.server.port, bytes.length / 2);
    const place = { bucket: BUCKET, prefix: `test-${count}/` };
    const cut = createS3BlobStore(await open(`http://127.0.0.1:${cutter.port}`), place);
    await expect(cut.put(id, bytes)).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(cutter.cuts()).toBe(4);
    expect((await direct.get(id))?.toString()).toBe("before");
    await cutter.close();
  });

  test("says that the storage is unavailable in its time when nothing comes back, and leaves nothing of a blob", async () => {
    await link.setFault({ kind: "black-hole" });
    const startMs = performance.now();
    const unavailable = { code: "storage-unavailable", message: "the blob store did not carry out an operation" };
    await expect(blobs.put(id, bytes)).rejects.toMatchObject(unavailable);
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expect(await direct.get(id)).toBeUndefined();
    await expect(blobs.get(id)).rejects.toMatchObject(unavailable);
    await expect(listOf(blobs)).rejects.toMatchObject(unavailable);
  });
});

describe("a blob store that is opened", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "sluice-home-"));
  });
  afterEach(async () => {
    becomeUser(OWNER);
    await rm(folder, { recursive: true });
  });
  const place = (bucket = BUCKET, endpoint = s3.server.endpoint) =>
    ({ kind: "bucket", bucket, prefix: "opened/", access: { endpoint, region } }) as const;

  test("is the folder that is named", async () => {
    const blobs = await openBlobStore({ kind: "folder", folder }, { writes: true });
    const id = createTaskId(1, 1);
    await blobs.put(id, Buffer.from("x"));
    expect(await listOf(blobs)).toEqual([id]);
  });

  test("is the bucket that is named, with nothing left of what tried it out", async () => {
    const blobs = await openBlobStore(place(), { writes: true });
    const id = createTaskId(1, 1);
    await blobs.put(id, Buffer.from("x"));
    const { objects } = await (await open()).list({ bucket: BUCKET, prefix: "opened/" }, AbortSignal.timeout(5_000));
    expect(objects.map(({ key }) => key)).toEqual([`opened/${id}`]);
    expect((await blobs.get(id))?.toString()).toBe("x");
  });

  test("is refused where there is no such bucket", async () => {
    await expect(openBlobStore(place("nowhere"))).rejects.toMatchObject({
      code: "config-invalid",
      message: "BLOB_STORE: there is no bucket nowhere",
    });
  });

  test.each([
    [{ accessKeyId: "nobody", secretAccessKey: "of-everything" }, "InvalidAccessKeyId"],
    [{ ...OWNER, secretAccessKey: "wrong" }, "SignatureDoesNotMatch"],
  ])("is refused with the credentials %j", async (user, code) => {
    becomeUser(user);
    await expect(openBlobStore(place())).rejects.toMatchObject({
      code: "config-invalid",
      message: `BLOB_STORE: the storage refuses the credentials (${code})`,
    });
  });

  test("is refused where blobs are to be written, with credentials that may only read", async () => {
    becomeUser(READER);
    const blobs = await openBlobStore(place());
    expect(await blobs.get(createTaskId(1, 1))).toBeUndefined();
    await expect(openBlobStore(place(), { writes: true })).rejects.toMatchObject({
      code: "config-invalid",
      message: "BLOB_STORE: the storage refuses the credentials (AccessDenied)",
    });
  });

  test("is refused without credentials", async () => {
    becomeUser({ accessKeyId: "", secretAccessKey: "" });
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("HOME", folder);
    await expect(openBlobStore(place())).rejects.toMatchObject({
      code: "config-invalid",
      message: "BLOB_STORE: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    });
  });

  test("says that nothing answers at its endpoint", async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    await expect(openBlobStore(place(BUCKET, endpoint))).rejects.toMatchObject({
      code: "storage-unavailable",
      message: `BLOB_STORE: ${endpoint} does not answer (ECONNREFUSED)`,
    });
  });
});

async function listOf(blobs: BlobStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of blobs.listOlderThan(0)) ids.push(id);
  return ids.sort();
}

/** A way to the storage on which every connection breaks once so many bytes of requests have passed. */
async function startCutter(targetPort: number, bytes: number) {
  let cuts = 0;
  const server = createServer((client) => {
    const target = connect(targetPort, "127.0.0.1");
    let passed = 0;
    client.on("data", (chunk) => {
      passed += chunk.length;
      target.write(chunk);
      if (passed < bytes || client.destroyed) return;
      cuts++;
      client.destroy();
      target.destroy();
    });
    target.pipe(client);
    for (const socket of [client, target]) socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, cuts: () => cuts, close: () => new Promise((resolve) => server.close(resolve)) };
}
