import type { BinaryReader, BinaryWriter } from "google-protobuf";
import { type Field, type Message, message, optional, readNested } from "./message.js";
import { readInt64, readUint64, string, writeInt64, writeUint64 } from "./scalar-fields.js";

/** The value of a parameter: one case of InferParameter's oneof. */
export type InferParameter =
  | { kind: "bool"; value: boolean }
  | { kind: "int64"; value: bigint }
  | { kind: "string"; value: string }
  | { kind: "double"; value: number }
  | { kind: "uint64"; value: bigint };

/** Parameters by name. */
export type InferParameters = Map<string, InferParameter>;

/** A `map<string, InferParameter>`; a parameter whose value has no case that we know is left out. */
export function parameters(number: number): Field<InferParameters> {
  const element = optional(number, mapEntry);
  return {
    number,
    initial: () => new Map(),
    write: (writer, map) => {
      for (const [key, parameter] of map) element.write(writer, { key, value: { parameter } });
    },
    read: (reader, previous = new Map()) => {
      const { key, value } = readNested(reader, mapEntry, mapEntry.initial());
      if (value?.parameter) previous.set(key, value.parameter);
      return previous;
    },
  };
}

/** The oneof as a message of its own: the last case on the wire wins. */
interface ParameterChoice {
  parameter?: InferParameter;
}

/** Field numbers of the oneof in Triton's grpc_service.proto. */
const CASES = { bool: 1, int64: 2, string: 3, double: 4, uint64: 5 } as const;

const parameterChoice: Message<ParameterChoice> = {
  initial: () => ({}),
  write({ parameter }, writer) {
    if (parameter) writeParameter(parameter, writer);
  },
  read(target, reader) {
    while (reader.nextField()) {
      const parameter = readParameter(reader);
      if (parameter) target.parameter = parameter;
      else reader.skipField();
    }
  },
};

/** Protobuf's own form of a map: a list of key and value. */
const mapEntry = message<{ key: string; value?: ParameterChoice }>({
  key: string(1),
  value: optional(2, parameterChoice),
});

function writeParameter(parameter: InferParameter, writer: BinaryWriter): void {
  const { kind, value } = parameter;
  if (kind === "bool") writer.writeBool(CASES.bool, value);
  else if (kind === "int64") writeInt64(writer, CASES.int64, value);
  else if (kind === "string") writer.writeString(CASES.string, value);
  else if (kind === "double") writer.writeDouble(CASES.double, value);
  else writeUint64(writer, CASES.uint64, value);
}

function readParameter(reader: BinaryReader): InferParameter | undefined {
  switch (reader.getFieldNumber()) {
    case CASES.bool:
      return { kind: "bool", value: reader.readBool() };
    case CASES.int64:
      return { kind: "int64", value: readInt64(reader) };
    case CASES.string:
      return { kind: "string", value: reader.readStringRequireUtf8() };
    case CASES.double:
      return { kind: "double", value: reader.readDouble() };
    case CASES.uint64:
      return { kind: "uint64", value: readUint64(reader) };
    default:
      return undefined;
  }
}
