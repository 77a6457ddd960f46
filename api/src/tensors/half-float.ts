/**
 * A number -> the bits of the nearest FP16 (IEEE 754 binary16, ties to even).
 * @returns undefined if it is beyond the largest FP16, 65504
 */
export function encodeHalf(value: number): number | undefined {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // Below the smallest normal number the steps are of 2^-24; above, there are 1024 steps to each power of two.
  if (size < 2 ** -14) return sign | roundTiesToEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  const power = 2 ** exponent > size ? exponent - 1 : exponent;
  const bits = ((power + 15) << 10) + roundTiesToEven((size / 2 ** power - 1) * 1024);
  return bits < 0x7c00 ? sign | bits : undefined;
}

/** The bits of an FP16 -> its number; infinities and NaN included. */
export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
