import { BrokerError, encodeTensorInput, type ModelDefinition, tensorSignature } from "@sluice/broker";
import { checkImage } from "../images/header/check-image.js";
import { encodeTensor } from "../tensors/encode-tensor.js";
import { invalidField } from "./invalid-field.js";
import type { SubmittedInput } from "./submission.js";

/** One row as it is stored in its run. */
export interface RowInput {
  /** A text (it is stored as its UTF-8), a picture's own bytes, or an encoded tensor. */
  readonly content: string | Buffer;
  /** How long the content is when stored. */
  readonly byteLength: number;
  /** Only rows with equal signatures share a batch: type and shape of a tensor, "" for the rest. */
  readonly signature: string;
}

/**
 * Checks the input against its model and turns it into bytes.
 * @throws BrokerError validation-failed (wrong kind) | payload-too-large | unsupported-image-type | image-corrupt |
 * image-too-large | tensor-invalid | invalid-base64
 */
export function toRowInput(input: SubmittedInput, model: ModelDefinition): RowInput {
  const wanted = model.input;
  if (input.kind === "text" && wanted.kind === "text") return textRow(input.text, wanted.maxBytes);
  if (input.kind === "image" && wanted.kind === "image") return imageRow(input);
  if (input.kind === "tensor" && wanted.kind === "tensor") {
    const tensor = encodeTensor(input, wanted);
    const content = encodeTensorInput(tensor);
    return { content, byteLength: content.length, signature: tensorSignature(tensor) };
  }
  throw invalidField("validation-failed", "/input", `${model.name} takes ${wanted.kind} inputs, not ${input.kind}`);
}

function textRow(text: string, maxBytes: number): RowInput {
  const byteLength = Buffer.byteLength(text);
  if (byteLength > maxBytes) {
    throw new BrokerError("payload-too-large", `a text for this model may have at most ${maxBytes} bytes`);
  }
  return { content: text, byteLength, signature: "" };
}

function imageRow({ bytes, declaredType }: SubmittedInput & { kind: "image" }): RowInput {
  if (bytes.length === 0) throw invalidField("validation-failed", "/input", "must not be empty");
  checkImage(bytes, declaredType);
  return { content: bytes, byteLength: bytes.length, signature: "" };
}
