import { createTritonClient, type TritonClient } from "@sluice/gpu-worker";

/** One tensor as it goes over the wire: with the batch dimension first. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly data: Uint8Array;
}

/** A client for tests; pictures of a whole batch are large. */
export const createTestClient = (url: string): TritonClient =>
  createTritonClient({ url, maxMessageBytes: 256 * 2 ** 20 });

/** Runs a model on one input and gives the bytes and the shape of one of its outputs. */
export async function infer(
  client: TritonClient,
  model: string,
  { data, ...input }: WireTensor,
  output: string,
): Promise<Pick<WireTensor, "shape" | "data">> {
  const request = { modelName: model, inputs: [input], outputs: [{ name: output }], rawInputContents: [data] };
  const response = await client.infer(request, { deadlineMs: 60_000 });
  const data0 = response.rawOutputContents[0];
  const shape = response.outputs[0]?.shape;
  if (data0 === undefined || shape === undefined) throw new Error(`${model} gave no ${output}`);
  return { shape, data: data0 };
}

/** BYTES [rows, 1]: each element is its length in 4 bytes, then its bytes. */
export function bytesTensor(name: string, rows: readonly Uint8Array[]): WireTensor {
  const parts = rows.flatMap((row) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(row.length);
    return [length, row];
  });
  return { name, datatype: "BYTES", shape: [rows.length, 1], data: Buffer.concat(parts) };
}

/** The elements of a BYTES tensor as strings. */
export function stringsOf(data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const strings: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = start + 4 + bytes.readUInt32LE(start);
    strings.push(bytes.toString("utf8", start + 4, end));
    start = end;
  }
  return strings;
}

/** The numbers of a tensor, row by row. */
export function floatRows({ shape, data }: Pick<WireTensor, "shape" | "data">): Float32Array[] {
  const values = new Float32Array(data.slice().buffer);
  const [rows = 0] = shape;
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

export function floatTensor(name: string, shape: number[], values: Float32Array): WireTensor {
  return { name, datatype: "FP32", shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
