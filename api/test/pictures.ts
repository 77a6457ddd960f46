/** A PNG of one pixel. */
export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);
/** The beginning of a JPEG: submissions only look at the signature. */
export const JPEG = Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex");
