import { Packr } from "msgpackr";
import type { Datatype } from "../models/model-definition.js";

/** One row of a tensor, as it lies in a run's input. */
export interface InputTensor {
  readonly datatype: Datatype;
  /** Without the batch dimension; every dimension is known. */
  readonly shape: readonly number[];
  /** Little-endian, row-major; a BYTES element is its 4-byte length and its bytes (as KServe v2 wants them). */
  readonly data: Uint8Array;
}

/** Bytes of one element; 0 for BYTES, whose elements carry their length. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  UINT8: 1,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
} as const satisfies Record<Datatype, number>;

const packr = new Packr({ useRecords: false });

/** Tensor -> msgpack `[datatype, shape, data]`. It does not check that the data fits the shape: the api has. */
export function encodeTensorInput(tensor: InputTensor): Buffer {
  return packr.pack([tensor.datatype, tensor.shape, tensor.data]);
}

/**
 * msgpack -> tensor, with `data` a view on `bytes`.
 * @returns undefined for bytes that are no tensor, or whose data does not fit its type and shape: one such row would
 * spoil the whole inference call.
 */
export function decodeTensorInput(bytes: Uint8Array): InputTensor | undefined {
  const [datatype, shape, data] = unpackList(bytes);
  if (typeof datatype !== "string" || !isDatatype(datatype)) return undefined;
  if (!Array.isArray(shape) || !shape.every(isDimension)) return undefined;
  if (!(data instanceof Uint8Array)) return undefined;
  const tensor = { datatype, shape, data };
  return fitsShape(tensor) ? tensor : undefined;
}

/** What rows of one inference call must have in common; the `signature` of a reference. `FP32:3,224,224`. */
export function tensorSignature(tensor: Pick<InputTensor, "datatype" | "shape">): string {
  return `${tensor.datatype}:${tensor.shape.join(",")}`;
}

/** Whether the data is exactly as long as type and shape say; of BYTES every length prefix is followed. O(elements of BYTES). */
export function fitsShape({ datatype, shape, data }: InputTensor): boolean {
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const elementBytes = ELEMENT_BYTES[datatype];
  if (elementBytes > 0) return data.byteLength === elements * elementBytes;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let offset = 0;
  for (let i = 0; i < elements; i++) {
    if (offset + 4 > data.byteLength) return false;
    offset += 4 + view.getUint32(offset, true);
  }
  return offset === data.byteLength;
}

function unpackList(bytes: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = packr.unpack(bytes);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isDatatype(text: string): text is Datatype {
  return Object.hasOwn(ELEMENT_BYTES, text);
}

function isDimension(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
