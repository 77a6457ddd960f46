import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLocalBlobStore, createTaskId } from "../src/index.js";

describe("the local blob store", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "sluice-blobs-"));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("gives back what was put, until it is deleted", async () => {
    const blobs = createLocalBlobStore(directory);
    const id = createTaskId(1, 1);
    expect(await blobs.get(id)).toBeUndefined();
    await blobs.put(id, Buffer.from("one"));
    await blobs.put(id, Buffer.from("two"));
    expect((await blobs.get(id))?.toString()).toBe("two");
    await blobs.delete(id);
    await blobs.delete(id);
    expect(await blobs.get(id)).toBeUndefined();
  });

  test("takes the same blob twice at once, as two attempts of one request write it", async () => {
    const blobs = createLocalBlobStore(directory);
    const id = createTaskId(1, 1);
    const bytes = Buffer.alloc(4_000_000, "x");
    await Promise.all(Array.from({ length: 5 }, () => blobs.put(id, bytes)));
    expect((await blobs.get(id))?.equals(bytes)).toBe(true);
    expect(await readdir(path.join(directory, id.slice(-2)))).toEqual([id]);
  });

  test("takes nothing but ids for names", async () => {
    const blobs = createLocalBlobStore(directory);
    await expect(async () => await blobs.put("../../etc/passwd", Buffer.from("x"))).rejects.toMatchObject({
      code: "internal",
    });
  });

  test("lists what is old, and clears away what a crash cut off", async () => {
    const blobs = createLocalBlobStore(directory);
    const [old, young] = [createTaskId(1, 1), createTaskId(1, 2)];
    await blobs.put(old, Buffer.from("x"));
    await blobs.put(young, Buffer.from("x"));
    const folder = path.join(directory, old.slice(-2));
    await writeFile(path.join(folder, `${old}.1.part`), "x");
    for (const file of await readdir(folder)) if (!file.startsWith(young)) await utimes(path.join(folder, file), 1, 1);
    const listed: string[] = [];
    for await (const id of blobs.listOlderThan(60_000)) listed.push(id);
    expect(listed).toEqual([old]);
    expect(await readdir(folder)).not.toContain(`${old}.1.part`);
    const none: string[] = [];
    for await (const id of createLocalBlobStore(path.join(directory, "none")).listOlderThan(0)) none.push(id);
    expect(none).toEqual([]);
  });
});
