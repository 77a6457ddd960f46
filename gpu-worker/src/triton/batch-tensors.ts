import {
  BrokerError,
  type Datatype,
  type ModelDefinition,
  type ModelOutput,
  type OutputTensor,
  type RowOutcome,
} from "@sluice/broker";
import type { InferRequest, InferResponse } from "@sluice/proto";
import { elementCount, isDatatype, matchesDims, type RowTensor, skipElements } from "./row-tensor.js";

/**
 * One ModelInfer for a whole batch: rows stand one after the other under a batch dimension, in the order given.
 * The rows' bytes are not copied here, so they may not change until the request is sent.
 * @param rows at least one; all of one type and shape.
 * @throws BrokerError internal for rows that cannot share a batch.
 */
export function buildInferRequest(model: ModelDefinition, rows: readonly RowTensor[], batchId: string): InferRequest {
  const [first] = rows;
  if (first === undefined) throw new BrokerError("internal", "a batch without rows cannot be run: this is a bug");
  const { datatype, shape } = first;
  const stranger = rows.find((row) => row.datatype !== datatype || !matchesDims(row.shape, shape));
  if (stranger) {
    const [one, other] = [first, stranger].map((row) => `${row.datatype} [${row.shape.join(", ")}]`);
    throw new BrokerError("internal", `${one} and ${other} cannot share a batch: this is a bug`);
  }
  return {
    modelName: model.name,
    modelVersion: model.version,
    id: batchId,
    inputs: [{ name: model.input.tensor, datatype, shape: [rows.length, ...shape] }],
    outputs: [...new Set(model.outputs.map((output) => output.tensor))].map((name) => ({ name })),
    rawInputContents: [rows.map((row) => row.data)],
  };
}

/**
 * What each row of a batch came to, in the order of its rows. Outputs are views on the response.
 * A score that is no finite number fails its own row only.
 * @throws BrokerError upstream-invalid if the response is not what the model's definition promises for that many rows.
 */
export function splitInferResponse(model: ModelDefinition, response: InferResponse, rowCount: number): RowOutcome[] {
  const columns = new Map<string, OutputTensor[]>();
  for (const output of model.outputs) {
    const tensor = findTensor(model, response, output.tensor);
    checkPromise(model, output, tensor, rowCount);
    if (!columns.has(output.tensor)) columns.set(output.tensor, cutRows(model, tensor, rowCount));
  }
  return Array.from({ length: rowCount }, (_, row) => rowOutcome(model, columns, row));
}

/** An output of the whole batch. */
interface BatchTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** With the batch dimension first. */
  readonly shape: readonly number[];
  readonly contents: Uint8Array;
}

function findTensor(model: ModelDefinition, response: InferResponse, name: string): BatchTensor {
  const index = response.outputs.findIndex((tensor) => tensor.name === name);
  const head = response.outputs[index];
  const contents = response.rawOutputContents[index];
  if (!head || !contents) throw invalid(model, `output ${name} is missing`);
  const { datatype, shape } = head;
  if (!isDatatype(datatype)) throw invalid(model, `output ${name} is of the unknown type ${datatype}`);
  return { name, datatype, shape, contents };
}

function checkPromise(model: ModelDefinition, output: ModelOutput, tensor: BatchTensor, rowCount: number): void {
  const [rows, ...shape] = tensor.shape;
  if (rows !== rowCount) throw invalid(model, `output ${tensor.name} has ${rows ?? "no"} rows, not ${rowCount}`);
  if (!keepsPromise(output, tensor.datatype, shape)) {
    const got = `${tensor.datatype} [${shape.join(", ")}]`;
    throw invalid(model, `output ${tensor.name} is ${got} a row, which is not what its definition says`);
  }
}

/** Labels and texts may stand in any shape, such as [1000, 1, 1], as long as there are as many as promised. */
function keepsPromise(output: ModelOutput, datatype: Datatype, shape: readonly number[]): boolean {
  switch (output.kind) {
    case "labels":
      return datatype === "FP32" && elementCount(shape) === output.labels.length;
    case "text":
      return datatype === "BYTES" && elementCount(shape) === 1;
    case "tensor":
      return datatype === output.datatype && matchesDims(shape, output.dims);
  }
}

function cutRows(model: ModelDefinition, tensor: BatchTensor, rowCount: number): OutputTensor[] {
  const { name, datatype, contents } = tensor;
  const shape = tensor.shape.slice(1);
  const count = elementCount(shape);
  const rows: OutputTensor[] = [];
  let start = 0;
  for (let row = 0; row < rowCount; row++) {
    const end = skipElements(datatype, contents, start, count);
    if (end === undefined) throw invalid(model, `output ${name} is cut off after ${row} of ${rowCount} rows`);
    rows.push({ name, datatype, shape, data: contents.subarray(start, end) });
    start = end;
  }
  if (start !== contents.length) {
    throw invalid(model, `output ${name} has ${contents.length - start} bytes more than its shape says`);
  }
  return rows;
}

function rowOutcome(model: ModelDefinition, columns: ReadonlyMap<string, OutputTensor[]>, row: number): RowOutcome {
  const output = [...columns.values()].flatMap((column) => column[row] ?? []);
  for (const { kind, tensor } of model.outputs) {
    const scores = kind === "labels" ? columns.get(tensor)?.[row] : undefined;
    if (scores && !isFinite32(scores.data)) {
      const message = `${model.name} answered a score that is no finite number in ${tensor}`;
      return { state: "FAILED", failure: { code: "upstream-invalid", message } };
    }
  }
  return { state: "SUCCESS", output };
}

/** Whether FP32 bytes hold neither NaN nor an infinity: those have all bits of the exponent set. */
function isFinite32(data: Uint8Array): boolean {
  for (let high = 3; high < data.length; high += 4) {
    if (((data[high] ?? 0) & 0x7f) === 0x7f && (data[high - 1] ?? 0) >= 0x80) return false;
  }
  return true;
}

function invalid(model: ModelDefinition, what: string): BrokerError {
  return new BrokerError("upstream-invalid", `the answer of ${model.name} cannot be used: ${what}`);
}
