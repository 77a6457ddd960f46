/** The most that S3 takes. */
const MAX_KEY_BYTES = 1_024;

/**
 * Whether this is a key that every storage takes as it is: S3 allows more, but `.` and `..` as parts of a path are
 * resolved by some proxies and storages, and control characters end up in logs and headers.
 */
export function isPlainKey(key: string): boolean {
  return (
    key !== "" &&
    Buffer.byteLength(key) <= MAX_KEY_BYTES &&
    !/[\p{Cc}\p{Surrogate}]/u.test(key) &&
    !key.split(/[/\\]/).some((part) => part === "." || part === "..")
  );
}
