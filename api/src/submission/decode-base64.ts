import { BrokerError } from "@sluice/broker";
import { invalidField } from "./invalid-field.js";

/**
 * Base64 with padding (RFC 4648 section 4) -> bytes. Nothing else is let through: no spaces, no URL alphabet.
 * @throws BrokerError payload-too-large (from the length, before it is decoded) | invalid-base64
 */
export function decodeBase64(text: string, pointer: string, maxBytes: number): Buffer {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const expectedBytes = (text.length / 4) * 3 - padding;
  if (expectedBytes > maxBytes) {
    throw new BrokerError("payload-too-large", `${pointer} may decode to at most ${maxBytes} bytes`);
  }
  const bytes = Buffer.from(text, "base64");
  // Node's decoder skips what is no Base64, so any such character makes the result too short; it takes - and _ too.
  const clean = bytes.length === expectedBytes && !text.includes("-") && !text.includes("_");
  if (text === "" || !clean) throw invalidField("invalid-base64", pointer, "is not Base64 with padding");
  return bytes;
}
