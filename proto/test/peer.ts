import protobufjs from "protobufjs";

/** protobufjs reading kserve.proto: an implementation of protobuf that shares nothing with ours. */
const root = protobufjs.loadSync(new URL("../kserve.proto", import.meta.url).pathname);
root.resolveAll();

type Plain = Record<string, unknown>;

/** A message that protobufjs encodes from a value of ours. */
export function peerEncode(name: string, value: object): Uint8Array {
  const type = root.lookupType(`inference.${name}`);
  return type.encode(type.fromObject(toPeer(type, value))).finish();
}

/** What protobufjs reads in these bytes, with every default filled in, in the form of `plainOf`. */
export function peerDecode(name: string, bytes: Uint8Array): Plain {
  const type = root.lookupType(`inference.${name}`);
  const decoded = type.toObject(type.decode(bytes), { longs: String, defaults: true, bytes: Buffer, oneofs: false });
  return normalise(type, decoded);
}

/** A value of ours as the tree that `peerDecode` gives: 64-bit integers as strings, bytes as hexadecimal. */
export function plainOf(name: string, value: object): Plain {
  const type = root.lookupType(`inference.${name}`);
  return normalise(type, toPeer(type, value));
}

/** The messages that the methods of the service take and give. */
export function serviceMessages(): string[] {
  const methods = root.lookupService("inference.GRPCInferenceService").methodsArray;
  return methods.flatMap((method) => [method.requestType, method.responseType]);
}

/** Paths of all methods of the service. */
export function servicePaths(): string[] {
  const service = root.lookupService("inference.GRPCInferenceService");
  return service.methodsArray.map((method) => `/${service.fullName.slice(1)}/${method.name}`);
}

/** Our value in the form of protobufjs' fromObject: bigints as strings, maps as objects, oneofs spread, pieces joined. */
function toPeer(type: protobufjs.Type, value: object): Plain {
  if (type.name === "InferParameter") {
    const { kind, value: member } = value as { kind: string; value: unknown };
    return { [`${kind}Param`]: typeof member === "bigint" ? String(member) : member };
  }
  const result: Plain = {};
  for (const field of type.fieldsArray) {
    const member = (value as Plain)[field.name];
    if (member === undefined) continue;
    result[field.name] = mapMember(field, member, (element) => elementToPeer(field, element));
  }
  return result;
}

function elementToPeer(field: protobufjs.Field, element: unknown): unknown {
  if (field.resolvedType instanceof protobufjs.Type) return toPeer(field.resolvedType, element as object);
  if (field.type === "bytes") return Buffer.concat([element].flat() as Uint8Array[]);
  return field.type.endsWith("int64") ? String(element) : element;
}

/** One form for both sides: defaults present, longs as strings, bytes as hexadecimal. */
function normalise(type: protobufjs.Type, value: Plain): Plain {
  const result: Plain = {};
  for (const field of type.fieldsArray) {
    if (field.partOf && value[field.name] === undefined) continue;
    const member = value[field.name] ?? emptyMember(field);
    result[field.name] =
      member === null ? null : mapMember(field, member, (element) => normaliseElement(field, element));
  }
  return result;
}

function normaliseElement(field: protobufjs.Field, element: unknown): unknown {
  if (field.resolvedType instanceof protobufjs.Type) return normalise(field.resolvedType, element as Plain);
  if (field.type === "bytes") return Buffer.from(element as Uint8Array).toString("hex");
  return field.type.endsWith("int64") ? String(element) : element;
}

function emptyMember(field: protobufjs.Field): unknown {
  if (field.map) return {};
  if (field.repeated) return [];
  if (field.resolvedType instanceof protobufjs.Type) return OPTIONAL.has(field.name) ? null : {};
  return field.resolve().defaultValue ?? field.typeDefault;
}

/** Nested messages whose absence our types keep; everywhere else absent and empty are the same. */
const OPTIONAL = new Set(["dynamicBatching"]);

function mapMember(field: protobufjs.Field, member: unknown, convert: (element: unknown) => unknown): unknown {
  if (field.map) {
    const entries = member instanceof Map ? [...(member as Map<string, unknown>)] : Object.entries(member as Plain);
    return Object.fromEntries(entries.map(([key, element]) => [key, convert(element)]));
  }
  return field.repeated ? (member as unknown[]).map(convert) : convert(member);
}
