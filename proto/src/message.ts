import type { BinaryReader, BinaryWriter } from "google-protobuf";

/** How one field of a message stands on the wire. */
export interface Field<T> {
  readonly number: number;
  /** The value when the field is absent; a field without it stays undefined. */
  readonly initial?: () => T;
  /** Writes tag and value; writes nothing for the default value of proto3. */
  write(writer: BinaryWriter, value: T): void;
  /** Reads the value at the reader; `previous` is what an earlier occurrence of the field left. */
  read(reader: BinaryReader, previous: T | undefined): T;
}

/** How a message stands on the wire. `read` merges into its target, as protobuf asks for a message that comes in parts. */
export interface Message<T> {
  initial(): T;
  write(value: T, writer: BinaryWriter): void;
  read(target: T, reader: BinaryReader): void;
}

/** A message as the list of its fields; they are written in the order given here. */
export function message<T extends object>(fields: { [K in keyof T]-?: Field<Exclude<T[K], undefined>> }): Message<T> {
  const keys = Object.keys(fields) as (keyof T)[];
  const keyByNumber = new Map(keys.map((key) => [fields[key].number, key]));
  return {
    initial() {
      const value: Partial<T> = {};
      for (const key of keys) {
        const field = fields[key];
        if (field.initial) value[key] = field.initial();
      }
      return value as T;
    },
    write(value, writer) {
      for (const key of keys) {
        const member = value[key];
        if (member !== undefined) fields[key].write(writer, member as Exclude<T[keyof T], undefined>);
      }
    },
    read(target, reader) {
      while (reader.nextField()) {
        const key = keyByNumber.get(reader.getFieldNumber());
        if (key === undefined) reader.skipField();
        else target[key] = fields[key].read(reader, target[key] as Exclude<T[keyof T], undefined>);
      }
    },
  };
}

/** A nested message that is always there: all its own defaults when absent. */
export function nested<T>(number: number, type: Message<T>): Field<T> {
  return { ...optional(number, type), initial: () => type.initial() };
}

/** A nested message whose absence means something. */
export function optional<T>(number: number, type: Message<T>): Field<T> {
  return {
    number,
    write: (writer, value) => {
      writer.writeMessage(number, value, (inner, target) => {
        type.write(inner, target);
      });
    },
    read: (reader, previous) => readNested(reader, type, previous ?? type.initial()),
  };
}

/** A list of nested messages. */
export function repeated<T>(number: number, type: Message<T>): Field<T[]> {
  const element = optional(number, type);
  return {
    number,
    initial: () => [],
    write: (writer, values) => {
      for (const value of values) element.write(writer, value);
    },
    read: (reader, previous = []) => {
      previous.push(readNested(reader, type, type.initial()));
      return previous;
    },
  };
}

/** Reads a nested message into `target`. */
export function readNested<T>(reader: BinaryReader, type: Message<T>, target: T): T {
  return reader.readMessage(target, (inner, source) => {
    type.read(inner, source);
  });
}
