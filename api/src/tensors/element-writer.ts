import type { Datatype } from "@sluice/broker";
import { encodeHalf } from "./half-float.js";

/** Writes one JSON value as an element, little-endian; false if the type cannot hold it. */
export type ElementWriter = (view: DataView, offset: number, value: unknown) => boolean;

const MAX_FLOAT32 = 3.4028234663852886e38;
const [MIN_INT64, MAX_INT64] = [-(2n ** 63n), 2n ** 63n - 1n];

function integer(
  min: number,
  max: number,
  set: (view: DataView, offset: number, value: number) => void,
): ElementWriter {
  return (view, offset, value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) return false;
    set(view, offset, value);
    return true;
  };
}

function float(max: number, set: (view: DataView, offset: number, value: number) => void): ElementWriter {
  return (view, offset, value) => {
    // Infinity is what JSON.parse makes of 1e999.
    if (typeof value !== "number" || !(Math.abs(value) <= max)) return false;
    set(view, offset, value);
    return true;
  };
}

/** For every type of fixed width. INT64 takes whole numbers below 2^53, and beyond that decimal text. */
export const ELEMENT_WRITERS: Readonly<Record<Exclude<Datatype, "BYTES">, ElementWriter>> = {
  BOOL: (view, offset, value) => {
    if (typeof value !== "boolean") return false;
    view.setUint8(offset, value ? 1 : 0);
    return true;
  },
  UINT8: integer(0, 255, (view, offset, value) => view.setUint8(offset, value)),
  INT8: integer(-128, 127, (view, offset, value) => view.setInt8(offset, value)),
  INT16: integer(-32_768, 32_767, (view, offset, value) => view.setInt16(offset, value, true)),
  INT32: integer(-(2 ** 31), 2 ** 31 - 1, (view, offset, value) => view.setInt32(offset, value, true)),
  INT64: (view, offset, value) => {
    const whole = toInt64(value);
    if (whole === undefined) return false;
    view.setBigInt64(offset, whole, true);
    return true;
  },
  FP16: (view, offset, value) => {
    const bits = typeof value === "number" ? encodeHalf(value) : undefined;
    if (bits === undefined) return false;
    view.setUint16(offset, bits, true);
    return true;
  },
  FP32: float(MAX_FLOAT32, (view, offset, value) => view.setFloat32(offset, value, true)),
  FP64: float(Number.MAX_VALUE, (view, offset, value) => view.setFloat64(offset, value, true)),
};

function toInt64(value: unknown): bigint | undefined {
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) return undefined;
  const whole = BigInt(value);
  return whole >= MIN_INT64 && whole <= MAX_INT64 ? whole : undefined;
}
