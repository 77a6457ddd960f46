/** The part of google-protobuf 4.0.3 that the codec uses; the package ships no types, and the community's stop at 3.15. */
declare module "google-protobuf" {
  export interface BinaryWriter {
    writeString(field: number, value: string): void;
    writeBool(field: number, value: boolean): void;
    writeInt32(field: number, value: number): void;
    writeDouble(field: number, value: number): void;
    writeUint64(field: number, value: number): void;
    /** A varint given as its low and high 32 bits. */
    writeSplitVarint64(field: number, low: number, high: number): void;
    writePackedInt64(field: number, values: readonly number[]): void;
    writePackedInt32(field: number, values: readonly number[]): void;
    writeMessage<T>(field: number, value: T, write: (value: T, writer: BinaryWriter) => void): void;
    /** Appends bytes as they are, by reference: they are copied once, by getResultBuffer. */
    writeSerializedMessage(bytes: Uint8Array): void;
    getResultBuffer(): Uint8Array;
  }

  export interface BinaryReader {
    /** Moves to the next field; false at the end of the message. */
    nextField(): boolean;
    getFieldNumber(): number;
    skipField(): void;
    /** Whether the current field is length-delimited. */
    isDelimited(): boolean;
    getCursor(): number;
    skipToEnd(): void;
    /** The bytes that are being read, without a copy. */
    getBuffer(): Uint8Array;
    readStringRequireUtf8(): string;
    readBool(): boolean;
    readInt32(): number;
    readDouble(): number;
    readSplitVarint64<T>(join: (low: number, high: number) => T): T;
    readMessage<T>(target: T, read: (target: T, reader: BinaryReader) => void): T;
  }

  const protobuf: {
    BinaryWriter: new () => BinaryWriter;
    BinaryReader: new (bytes: Uint8Array) => BinaryReader;
  };
  export default protobuf;
}
