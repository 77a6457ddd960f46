import type { OutputTensor } from "@sluice/broker";
import { decodeHalf } from "./half-float.js";

/** An element in JSON. A number that JSON cannot say (NaN, infinities) is null; an INT64 beyond 2^53 is decimal text. */
export type JsonElement = number | string | boolean | null;

type ElementReader = (view: DataView, offset: number) => JsonElement;

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const READERS: Readonly<Record<string, { readonly bytes: number; readonly read: ElementReader }>> = {
  BOOL: { bytes: 1, read: (view, offset) => view.getUint8(offset) !== 0 },
  UINT8: { bytes: 1, read: (view, offset) => view.getUint8(offset) },
  INT8: { bytes: 1, read: (view, offset) => view.getInt8(offset) },
  INT16: { bytes: 2, read: (view, offset) => view.getInt16(offset, true) },
  INT32: { bytes: 4, read: (view, offset) => view.getInt32(offset, true) },
  INT64: { bytes: 8, read: (view, offset) => toJsonInt64(view.getBigInt64(offset, true)) },
  FP16: { bytes: 2, read: (view, offset) => finite(decodeHalf(view.getUint16(offset, true))) },
  FP32: { bytes: 4, read: (view, offset) => finite(view.getFloat32(offset, true)) },
  FP64: { bytes: 8, read: (view, offset) => finite(view.getFloat64(offset, true)) },
};

/** The elements of an output row, flat, row-major. Bytes that do not make a whole element are left out. */
export function decodeElements({ datatype, data }: Pick<OutputTensor, "datatype" | "data">): JsonElement[] {
  if (datatype === "BYTES") return decodeTexts(data);
  const reader = READERS[datatype];
  if (!reader) return [];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = Math.floor(data.byteLength / reader.bytes);
  const elements = new Array<JsonElement>(count);
  for (let i = 0; i < count; i++) elements[i] = reader.read(view, i * reader.bytes);
  return elements;
}

/** BYTES elements as text; bytes that are no UTF-8 read as U+FFFD. */
export function decodeTexts(data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const texts: string[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    texts.push(bytes.toString("utf8", at + 4, end));
    at = end;
  }
  return texts;
}

function toJsonInt64(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
