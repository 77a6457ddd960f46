import protobuf from "google-protobuf";
import type { Message } from "./message.js";

/** Bytes that are no valid message, or a value that no message can hold; `cause` says what was met. */
export class CodecError extends Error {
  constructor(message: string, options: { cause: unknown }) {
    super(message, options);
    this.name = "CodecError";
  }
}

/** Both directions of one message type. */
export interface Codec<T> {
  /** The name of the message in kserve.proto. */
  readonly name: string;
  /**
   * The message as bytes, in one copy of whatever it holds.
   * @throws CodecError for a value outside its field's range or a string with half a surrogate pair.
   */
  encode(value: T): Uint8Array;
  /**
   * The message in these bytes; fields that kserve.proto does not know are skipped.
   * Byte fields of the result are views on `bytes`: they keep it alive and see what is written to it.
   * @throws CodecError for anything malformed: cut off, of another wire type, not UTF-8, beyond a field's range.
   */
  decode(bytes: Uint8Array): T;
}

/** The codec of a message type under its name in kserve.proto. */
export function createCodec<T>(name: string, message: Message<T>): Codec<T> {
  return {
    name,
    encode(value) {
      try {
        const writer = new protobuf.BinaryWriter();
        message.write(value, writer);
        return writer.getResultBuffer();
      } catch (cause) {
        throw new CodecError(`${name} cannot be encoded: ${String(cause)}`, { cause });
      }
    },
    decode(bytes) {
      try {
        const value = message.initial();
        message.read(value, new protobuf.BinaryReader(bytes));
        return value;
      } catch (cause) {
        throw new CodecError(`${name} cannot be decoded from ${bytes.length} bytes: ${String(cause)}`, { cause });
      }
    },
  };
}
