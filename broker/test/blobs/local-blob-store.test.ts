import { existsSync, readlinkSync } from "node:fs";
import { type FileHandle, mkdtemp, open, readdir, rm, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type BlobStore, createLocalBlobStore, createTaskId } from "../../src/index.js";
import { testBlobStore } from "./blob-store-contract.js";

describe("the local blob store", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "sluice-blobs-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  testBlobStore({
    open: async () => createLocalBlobStore(directory),
    age: (ids) => setOld(directory, ids),
    oldMs: 60_000,
    close: async () => undefined,
  });

  test("leaves one file where the same blob was written several times at once", async () => {
    const blobs = createLocalBlobStore(directory);
    const id = createTaskId(1, 1);
    await Promise.all(Array.from({ length: 5 }, () => blobs.put(id, Buffer.alloc(1_000_000))));
    expect(await readdir(path.join(directory, id.slice(-2)))).toEqual([id]);
  });

  test.skipIf(!existsSync("/proc/self/fd"))(
    "forces a blob and then its name to the disk where that is asked for",
    async () => {
      const root = path.join(directory, "a", "blobs");
      const [id, bytes] = [createTaskId(1, 1), Buffer.from("x")];
      const file = path.join(root, id.slice(-2), id);
      const forcedBy = (blobs: BlobStore) => forcedWhile(file, () => blobs.put(id, bytes));
      const put: unknown[] = [expect.stringMatching(/^unnamed: .*\.part$/), `named: ${path.dirname(file)}`];
      const folders = [root, path.dirname(root), directory];

      const blobs = createLocalBlobStore(root, { forced: true });
      expect(await forcedBy(blobs)).toEqual([...folders.map((folder) => `unnamed: ${folder}`), ...put]);
      await blobs.delete(id);
      expect(await forcedBy(blobs)).toEqual(put);
      await blobs.delete(id);
      // Another process finds the folders, and cannot know whether they would outlive a loss of power.
      const beside = createLocalBlobStore(root, { forced: true });
      expect(await forcedBy(beside)).toEqual([...folders.slice(0, 2).map((folder) => `unnamed: ${folder}`), ...put]);
      expect(await forcedBy(createLocalBlobStore(root))).toEqual([]);
    },
  );

  test("clears away what a crash cut off, when it is listed", async () => {
    const blobs = createLocalBlobStore(directory);
    const [old, young] = [createTaskId(1, 1), createTaskId(1, 2)];
    await blobs.put(old, Buffer.from("x"));
    await blobs.put(young, Buffer.from("x"));
    const folder = path.join(directory, old.slice(-2));
    await writeFile(path.join(folder, `${old}.1.part`), "x");
    await setOld(directory, [old, `${old}.1.part`]);
    const listed: string[] = [];
    for await (const id of blobs.listOlderThan(60_000)) listed.push(id);
    expect(listed).toEqual([old]);
    expect(await readdir(folder)).not.toContain(`${old}.1.part`);
  });

  test("lists nothing where there is no folder yet", async () => {
    const none: string[] = [];
    for await (const id of createLocalBlobStore(path.join(directory, "none")).listOlderThan(0)) none.push(id);
    expect(none).toEqual([]);
  });
});

/** Makes files old. */
async function setOld(directory: string, names: readonly string[]): Promise<void> {
  for (const name of names) await utimes(path.join(directory, name.slice(0, 31).slice(-2), name), 1, 1);
}

/** Which files and folders are forced to the disk by an action, in order, and whether `file` is there by then. */
async function forcedWhile(file: string, action: () => Promise<void>): Promise<string[]> {
  const handle = await open(os.tmpdir(), "r");
  const prototype = Object.getPrototypeOf(handle) as { sync: (this: FileHandle) => Promise<void> };
  await handle.close();
  const { sync } = prototype;
  const forced: string[] = [];
  prototype.sync = async function () {
    forced.push(`${existsSync(file) ? "named" : "unnamed"}: ${readlinkSync(`/proc/self/fd/${this.fd}`)}`);
    await sync.call(this);
  };
  try {
    await action();
  } finally {
    prototype.sync = sync;
  }
  return forced;
}
