import { Packr } from "msgpackr";

const packr = new Packr({ useRecords: false });

/** A list -> msgpack. Lists stay readable for older and newer versions as long as elements are only added at the end. */
export function packList(list: readonly unknown[]): Buffer {
  return packr.pack(list);
}

/** msgpack -> list; undefined for bytes that hold none, are cut off, or were written by nobody of ours. */
export function unpackList(bytes: Uint8Array): unknown[] | undefined {
  try {
    const value: unknown = packr.unpack(bytes);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
