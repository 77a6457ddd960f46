import type { BinaryReader, BinaryWriter } from "google-protobuf";
import type { Field } from "./message.js";

/**
 * The raw bytes of one tensor: in one piece, or in pieces that follow each other.
 * Pieces spare a copy when rows lie in separate buffers. Decoding always gives one piece.
 */
export type RawContents = Uint8Array | readonly Uint8Array[];

/** A list of raw tensors (`repeated bytes`) that may be given in pieces: encoded with one copy, decoded with none. */
export function rawContents(number: number): Field<RawContents[]> {
  return {
    ...byteViews(number),
    write: (writer, tensors) => {
      for (const tensor of tensors) writePieces(writer, number, tensor instanceof Uint8Array ? [tensor] : tensor);
    },
  };
}

/** A list of raw tensors, each in one piece: encoded with one copy, decoded as views. */
export function byteViews(number: number): Field<Uint8Array[]> {
  return {
    number,
    initial: () => [],
    write: (writer, tensors) => {
      for (const tensor of tensors) writePieces(writer, number, [tensor]);
    },
    read: (reader, previous = []) => {
      previous.push(readView(reader));
      return previous;
    },
  };
}

/** Bytes and nested messages look the same on the wire, and only the latter can be written in pieces. */
function writePieces(writer: BinaryWriter, number: number, pieces: readonly Uint8Array[]): void {
  writer.writeMessage(number, pieces, (list, target) => {
    for (const piece of list) target.writeSerializedMessage(piece);
  });
}

/** The current length-delimited field as a view on the bytes that are being read. */
export function readView(reader: BinaryReader): Uint8Array {
  const range = { start: 0, end: 0 };
  reader.readMessage(range, (target, source) => {
    target.start = source.getCursor();
    source.skipToEnd();
    target.end = source.getCursor();
  });
  return reader.getBuffer().subarray(range.start, range.end);
}
