import { type Datatype, ELEMENT_BYTES } from "@sluice/broker";

/** One row of an input: what one task contributes to a batch. */
export interface RowTensor {
  readonly datatype: Datatype;
  /** Without the batch dimension. */
  readonly shape: readonly number[];
  /** Little-endian, row-major; each BYTES element is its length in 4 bytes, then its bytes. */
  readonly data: Uint8Array;
}

/** Whether a name stands for a type that a model definition may use. */
export function isDatatype(name: string): name is Datatype {
  return Object.hasOwn(ELEMENT_BYTES, name);
}

/** How many elements a shape holds; NaN if it is no shape (a dimension that is negative or not whole). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => (Number.isInteger(size) && size >= 0 ? product * size : NaN), 1);
}

/**
 * Where the element number `count` starts, counted from an element that starts at `start`.
 * @returns undefined if the bytes end before, or a BYTES element says that it is longer than what is left.
 */
export function skipElements(datatype: Datatype, data: Uint8Array, start: number, count: number): number | undefined {
  const end = datatype === "BYTES" ? skipBytesElements(data, start, count) : start + count * ELEMENT_BYTES[datatype];
  return end <= data.length ? end : undefined;
}

/** Whether the bytes are exactly one tensor of this type and shape. */
export function isWholeTensor({ datatype, shape, data }: RowTensor): boolean {
  return skipElements(datatype, data, 0, elementCount(shape)) === data.length;
}

/** Whether a shape is one of those that `dims` allow; -1 there allows any size. */
export function matchesDims(shape: readonly number[], dims: readonly number[]): boolean {
  return shape.length === dims.length && dims.every((size, axis) => size === -1 || size === shape[axis]);
}

function skipBytesElements(data: Uint8Array, start: number, count: number): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let end = start;
  // A NaN count must not pass for 0 elements.
  for (let left = count; left !== 0; left--) {
    if (!(left > 0) || end + 4 > data.length) return NaN;
    end += 4 + view.getUint32(end, true);
  }
  return end;
}
