import { isUtf8 } from "node:buffer";
import { BrokerError, type ModelInput } from "@sluice/broker";
import type { RowTensor } from "../triton/row-tensor.js";

/** How many bytes the row of a text takes. */
export const textRowBytes = (text: Uint8Array): number => 4 + text.length;

/**
 * A text as one BYTES element of shape [1].
 * @param text UTF-8.
 * @param data where to write the row, `textRowBytes` long: a batch of rows in one allocation costs the worker less than
 * as many small ones (its garbage is nearly all buffers).
 * @throws BrokerError input-rejected for a text that is too long for its model or not UTF-8.
 */
export function textRow(
  text: Uint8Array,
  input: Extract<ModelInput, { kind: "text" }>,
  data = Buffer.allocUnsafe(textRowBytes(text)),
): RowTensor {
  if (text.length > input.maxBytes) {
    throw new BrokerError("input-rejected", `a text of ${text.length} bytes is longer than ${input.maxBytes}`);
  }
  if (!isUtf8(text)) throw new BrokerError("input-rejected", "the text is not UTF-8");
  data.writeUInt32LE(text.length);
  data.set(text, 4);
  return { datatype: "BYTES", shape: [1], data };
}
