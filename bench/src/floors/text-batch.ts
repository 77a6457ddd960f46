import { createHash } from "node:crypto";
import type { InferRequest, InferResponse } from "@sluice/proto";

/** A full batch for a model that answers the SHA-256 of each text, with the right answers. */
export interface TextBatch {
  readonly request: InferRequest;
  readonly texts: readonly string[];
}

/** One BYTES tensor of shape [rows, 1]: each element is a 4-byte little-endian length and the text. */
export function createTextBatch(model: string, texts: readonly string[]): TextBatch {
  const elements = texts.map((text) => encodeElement(text));
  const request = {
    modelName: model,
    inputs: [{ name: "TEXT", datatype: "BYTES", shape: [texts.length, 1] }],
    rawInputContents: [elements],
  };
  return { request, texts };
}

/** Whether each row of the answer is the digest of its text. */
export function isRightAnswer({ texts }: TextBatch, response: InferResponse): boolean {
  const [output] = response.rawOutputContents;
  if (output === undefined) return false;
  const digests = decodeElements(output);
  return digests.length === texts.length && texts.every((text, row) => digests[row] === sha256Hex(text));
}

function encodeElement(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const element = Buffer.allocUnsafe(4 + bytes);
  element.writeUInt32LE(bytes, 0);
  element.write(text, 4, "utf8");
  return element;
}

function decodeElements(tensor: Uint8Array): string[] {
  const bytes = Buffer.from(tensor.buffer, tensor.byteOffset, tensor.byteLength);
  const elements: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32LE(at);
    elements.push(bytes.toString("utf8", at + 4, end));
    at = end;
  }
  return elements;
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
