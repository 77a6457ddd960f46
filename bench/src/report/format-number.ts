/** What stands where there is no figure. */
const NONE = "-";

/** `2,413`; below 100 with one digit behind the point, below 10 with two. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A ratio, such as `0.87x`; nothing if one of the two is not known. */
export function formatRatio(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? NONE : `${value.toFixed(2)}x`;
}

/** A part of a whole, such as `3 %`. */
export function formatShare(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value * 100)} %` : NONE;
}
