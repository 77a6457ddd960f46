import { isUtf8 } from "node:buffer";
import { BrokerError, type ModelInput } from "@sluice/broker";
import type { RowTensor } from "../triton/row-tensor.js";

/**
 * A text as one BYTES element of shape [1].
 * @param text UTF-8.
 * @throws BrokerError input-rejected for a text that is too long for its model or not UTF-8.
 */
export function textRow(text: Uint8Array, input: Extract<ModelInput, { kind: "text" }>): RowTensor {
  if (text.length > input.maxBytes) {
    throw new BrokerError("input-rejected", `a text of ${text.length} bytes is longer than ${input.maxBytes}`);
  }
  if (!isUtf8(text)) throw new BrokerError("input-rejected", "the text is not UTF-8");
  const data = new Uint8Array(4 + text.length);
  new DataView(data.buffer).setUint32(0, text.length, true);
  data.set(text, 4);
  return { datatype: "BYTES", shape: [1], data };
}
