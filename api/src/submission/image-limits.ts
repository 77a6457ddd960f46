/** Largest picture, in bytes, however it comes. */
export const MAX_IMAGE_BYTES = 50 * 1024 * 1024;
/** A picture in Base64, with its options around it. */
export const MAX_JSON_BYTES = Math.ceil(MAX_IMAGE_BYTES / 3) * 4 + 64 * 1024;
/** Part headers, boundaries and fields beside the picture. */
export const MAX_MULTIPART_BYTES = MAX_IMAGE_BYTES + 64 * 1024;
