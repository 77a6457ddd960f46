import { type Datatype, ELEMENT_BYTES, fitsShape, type InputTensor } from "@sluice/broker";
import { decodeBase64 } from "../submission/decode-base64.js";
import { invalidField, toPointer } from "../submission/invalid-field.js";
import type { SubmittedInput } from "../submission/submission.js";
import { ELEMENT_WRITERS } from "./element-writer.js";
import { walkElements } from "./walk-elements.js";

/** What the model wants: -1 is a dimension that each row chooses. */
export interface TensorSpec {
  readonly datatype: Datatype;
  readonly dims: readonly number[];
}

/** Largest row of a tensor, in bytes. */
const MAX_TENSOR_BYTES = 50 * 1024 * 1024;

/**
 * A tensor as JSON -> the bytes of one row.
 * @throws BrokerError tensor-invalid with the field that does not fit | invalid-base64 | payload-too-large
 */
export function encodeTensor(input: SubmittedInput & { kind: "tensor" }, spec: TensorSpec): InputTensor {
  const { datatype, shape } = input;
  if (datatype !== spec.datatype) {
    throw invalidField("tensor-invalid", "/input/datatype", `must be ${spec.datatype} for this model`);
  }
  checkShape(shape, spec.dims);
  const elementCount = shape.reduce((product, dimension) => product * dimension, 1);
  if (elementCount * Math.max(1, ELEMENT_BYTES[datatype]) > MAX_TENSOR_BYTES) {
    throw invalidField("tensor-invalid", "/input/shape", `holds more than ${MAX_TENSOR_BYTES} bytes`);
  }
  if (input.dataBase64 === undefined) return { datatype, shape, data: encodeElements(input, elementCount) };
  const data = decodeBase64(input.dataBase64, "/input/data_base64", MAX_TENSOR_BYTES);
  if (!fitsShape({ datatype, shape, data })) {
    throw invalidField("tensor-invalid", "/input/data_base64", `has ${data.length} bytes, which do not fit the shape`);
  }
  return { datatype, shape, data };
}

function checkShape(shape: readonly number[], dims: readonly number[]): void {
  if (shape.length !== dims.length) {
    const detail = `must have ${dims.length} dimensions, those of one row: [${dims.join(", ")}]`;
    throw invalidField("tensor-invalid", "/input/shape", detail);
  }
  shape.forEach((dimension, i) => {
    const pointer = toPointer(["input", "shape", i]);
    const wanted = dims[i] ?? -1;
    if (!Number.isSafeInteger(dimension) || dimension < 1) {
      throw invalidField("tensor-invalid", pointer, "must be a whole number above 0");
    }
    if (wanted !== -1 && dimension !== wanted) {
      throw invalidField("tensor-invalid", pointer, `must be ${wanted} for this model`);
    }
  });
}

function encodeElements(input: SubmittedInput & { kind: "tensor" }, elementCount: number): Buffer {
  const { datatype, shape, data } = input;
  if (datatype === "BYTES") return encodeTexts(data, shape);
  const write = ELEMENT_WRITERS[datatype];
  const width = ELEMENT_BYTES[datatype];
  const bytes = Buffer.alloc(elementCount * width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  walkElements(data, shape, (value, index) => write(view, index * width, value));
  return bytes;
}

/** BYTES: each element is its length in 4 bytes, little-endian, and its text in UTF-8. */
function encodeTexts(data: unknown, shape: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  walkElements(data, shape, (value) => {
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) return false;
    const text = Buffer.from(value, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    parts.push(length, text);
    return true;
  });
  return Buffer.concat(parts);
}
