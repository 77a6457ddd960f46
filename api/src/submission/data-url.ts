import { invalidField } from "./invalid-field.js";

/** A Base64 text, and the media type in front of it if there was one. */
export interface Base64Value {
  readonly base64: string;
  readonly mediaType: string | undefined;
}

/**
 * Takes `data:image/TYPE;base64,` off (RFC 2397); anything else is Base64 itself.
 * @throws BrokerError invalid-base64 for a data URL that is not Base64 or no image
 */
export function splitDataUrl(text: string, pointer: string): Base64Value {
  if (!/^data:/i.test(text)) return { base64: text, mediaType: undefined };
  const match = /^data:(image\/[a-z0-9.+-]{1,64});base64,/i.exec(text);
  if (!match?.[1]) throw invalidField("invalid-base64", pointer, "must be data:image/TYPE;base64,...");
  return { base64: text.slice(match[0].length), mediaType: match[1].toLowerCase() };
}
