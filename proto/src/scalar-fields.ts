import type { BinaryReader, BinaryWriter } from "google-protobuf";
import type { Field } from "./message.js";

/** A string, empty when absent. */
export function string(number: number): Field<string> {
  return {
    number,
    initial: () => "",
    write: (writer, value) => {
      if (value !== "") writer.writeString(number, value);
    },
    read: (reader) => reader.readStringRequireUtf8(),
  };
}

/** A list of strings. */
export function strings(number: number): Field<string[]> {
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      for (const value of values) writer.writeString(number, value);
    },
    read: (reader, previous = []) => {
      previous.push(reader.readStringRequireUtf8());
      return previous;
    },
  };
}

/** A bool, false when absent. */
export function bool(number: number): Field<boolean> {
  return {
    number,
    initial: () => false,
    write: (writer, value) => {
      if (value) writer.writeBool(number, value);
    },
    read: (reader) => reader.readBool(),
  };
}

/** An int32 or an enum, 0 when absent. */
export function int32(number: number): Field<number> {
  return {
    number,
    initial: () => 0,
    write: (writer, value) => {
      if (value !== 0) writer.writeInt32(number, value);
    },
    read: (reader) => reader.readInt32(),
  };
}

/** A uint64 that stays below 2^53 in practice, as a number; a larger one is refused, never rounded. */
export function count(number: number): Field<number> {
  return {
    number,
    initial: () => 0,
    write: (writer, value) => {
      if (value !== 0) writer.writeUint64(number, requireSafe(value));
    },
    read: (reader) => requireSafe(Number(readUint64(reader))),
  };
}

/** A uint64 in its whole range. */
export function uint64(number: number): Field<bigint> {
  return {
    number,
    initial: () => 0n,
    write: (writer, value) => {
      if (value !== 0n) writeUint64(writer, number, value);
    },
    read: readUint64,
  };
}

/** Writes a uint64, also when it is 0. */
export function writeUint64(writer: BinaryWriter, number: number, value: bigint): void {
  if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} is no uint64`);
  writeVarint(writer, number, value);
}

/** Writes an int64, also when it is 0. */
export function writeInt64(writer: BinaryWriter, number: number, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is no int64`);
  writeVarint(writer, number, value);
}

/** Reads a uint64. */
export function readUint64(reader: BinaryReader): bigint {
  return reader.readSplitVarint64((low, high) => (BigInt(high) << 32n) | BigInt(low));
}

/** Reads an int64. */
export function readInt64(reader: BinaryReader): bigint {
  return BigInt.asIntN(64, readUint64(reader));
}

/** The number itself if it is exact. */
export function requireSafe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an integer below 2^53`);
  return value;
}

function writeVarint(writer: BinaryWriter, number: number, value: bigint): void {
  writer.writeSplitVarint64(number, Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
}
