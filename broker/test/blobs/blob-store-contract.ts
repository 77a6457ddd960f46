import { afterEach, beforeEach, expect, test } from "vitest";
import { type BlobStore, createTaskId } from "../../src/index.js";

/** A kind of blob store under test. */
export interface BlobStoreKind {
  /** An empty one. */
  open(): Promise<BlobStore>;
  /** Makes what it holds older than `oldMs`. */
  age(blobIds: readonly string[]): Promise<void>;
  readonly oldMs: number;
  /** Removes what `open` made. */
  close(): Promise<void>;
}

/** Longer than a test takes. */
const MINUTES_MS = 10 * 60_000;

/** Declares the tests that every blob store must pass. */
export function testBlobStore(kind: BlobStoreKind): void {
  let blobs: BlobStore;
  const listed = async (ageMs: number): Promise<string[]> => {
    const ids: string[] = [];
    for await (const id of blobs.listOlderThan(ageMs)) ids.push(id);
    return ids.sort();
  };
  beforeEach(async () => {
    blobs = await kind.open();
  });
  afterEach(() => kind.close());

  test("gives back what was put, until it is deleted", async () => {
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
    const id = createTaskId(1, 1);
    const bytes = Buffer.alloc(4_000_000, "x");
    await Promise.all(Array.from({ length: 5 }, () => blobs.put(id, bytes)));
    expect((await blobs.get(id))?.equals(bytes)).toBe(true);
    expect(await listed(0)).toEqual([id]);
  });

  test("keeps bytes as they are, many or none", async () => {
    const sizes = [0, 1, 70_000, 9_000_001];
    const ids = sizes.map((_, i) => createTaskId(i, 1));
    const bytesOf = sizes.map((size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31) % 251)));
    await Promise.all(ids.map((id, i) => blobs.put(id, bytesOf[i] ?? Buffer.alloc(0))));
    const found = await Promise.all(ids.map((id) => blobs.get(id)));
    expect(found.map((bytes, i) => bytes?.equals(bytesOf[i] ?? Buffer.alloc(0)))).toEqual(sizes.map(() => true));
  });

  test.each(["../../etc/passwd", "", "x".repeat(31), "a/b?c=d#e"])(
    "takes nothing but ids for names: %j",
    async (name) => {
      const internal = { code: "internal" };
      await expect(async () => await blobs.put(name, Buffer.from("x"))).rejects.toMatchObject(internal);
      await expect(async () => await blobs.get(name)).rejects.toMatchObject(internal);
      await expect(async () => await blobs.delete(name)).rejects.toMatchObject(internal);
      expect(await listed(0)).toEqual([]);
    },
  );

  test("deletes and lists only what is old enough where an age is given", async () => {
    const [first, second] = [createTaskId(1, 1), createTaskId(15, 2)];
    await blobs.put(first, Buffer.from("x"));
    await blobs.put(second, Buffer.from("x"));
    await blobs.delete(first, MINUTES_MS);
    expect((await blobs.get(first))?.toString()).toBe("x");
    expect(await listed(MINUTES_MS)).toEqual([]);

    await kind.age([first, second]);
    expect(await listed(kind.oldMs)).toEqual([first, second].sort());
    await blobs.delete(first, kind.oldMs);
    expect(await blobs.get(first)).toBeUndefined();
    await blobs.delete(first, kind.oldMs);
    expect(await listed(0)).toEqual([second]);
  });

  test("lists nothing where there is nothing", async () => {
    expect(await listed(0)).toEqual([]);
  });
}
