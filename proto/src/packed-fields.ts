import type { BinaryReader } from "google-protobuf";
import { readView } from "./raw-contents.js";
import type { Field } from "./message.js";
import { readInt64, requireSafe } from "./scalar-fields.js";

/** A list of int64 such as a shape, as numbers; one beyond 2^53 is refused, never rounded. */
export function int64List(number: number): Field<number[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      values.forEach(requireSafe);
      writer.writePackedInt64(number, values);
    },
    read: (reader, previous = []) => {
      for (const value of readPackable(reader)) previous.push(requireSafe(Number(value)));
      return previous;
    },
  };
}

/** A list of int32. */
export function int32List(number: number): Field<number[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      writer.writePackedInt32(number, values);
    },
    read: (reader, previous = []) => {
      for (const value of readPackable(reader)) previous.push(Number(BigInt.asIntN(32, value)));
      return previous;
    },
  };
}

/** One occurrence of a repeated varint: packed or single, a reader has to take both. */
function readPackable(reader: BinaryReader): bigint[] {
  return reader.isDelimited() ? parseVarints(readView(reader)) : [readInt64(reader)];
}

/**
 * Signed varints, back to back, to the end of `bytes`.
 * google-protobuf's own packed reader does not notice a last element that runs over the length of its field.
 */
function parseVarints(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    if (shift > 63n) throw new RangeError("a varint is longer than 10 bytes");
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      values.push(BigInt.asIntN(64, value));
      value = 0n;
      shift = 0n;
    }
  }
  if (shift !== 0n) throw new RangeError("a varint is cut off");
  return values;
}
