import { Packr } from "msgpackr";
import { ERROR_CODES, type ErrorCode } from "../errors.js";

/** One output tensor of one row, as the model gave it: little-endian, row-major; BYTES elements carry 4-byte lengths. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: string;
  /** Without the batch dimension. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Why a task failed, as its callers are told. */
export interface TaskFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** How a run was computed. Times in milliseconds. */
export interface RunRecord {
  readonly batchId: string;
  /** Runs in the batch. */
  readonly size: number;
  /** Rows that were computed: runs with equal digests share one. */
  readonly unique: number;
  readonly reason: string;
  /** From admission to claim. */
  readonly queueMs: number;
  /** How long the oldest run of the batch waited in the batcher. */
  readonly batchWaitMs: number;
  readonly preprocessMs: number;
  readonly inferMs: number;
  /** inferMs divided by the rows of the batch. */
  readonly gpuShareMs: number;
  readonly attempts: number;
}

const packr = new Packr({ useRecords: false });

/** Output tensors -> msgpack. */
export function encodeOutput(tensors: readonly OutputTensor[]): Buffer {
  return packr.pack(tensors.map(({ name, datatype, shape, data }) => [name, datatype, shape, data]));
}

/** msgpack -> output tensors. @throws Error on bytes that `encodeOutput` did not write. */
export function decodeOutput(bytes: Uint8Array): OutputTensor[] {
  const list = packr.unpack(bytes) as [string, string, number[], Uint8Array][];
  return list.map(([name, datatype, shape, data]) => ({ name, datatype, shape, data }));
}

/** Failure -> msgpack. */
export function encodeFailure(failure: TaskFailure): Buffer {
  return packr.pack([failure.code, failure.message]);
}

/** msgpack -> failure; an unknown code (written by a newer version) reads as `internal`. */
export function decodeFailure(bytes: Uint8Array): TaskFailure {
  const [code, message] = packr.unpack(bytes) as [string, string];
  return { code: code in ERROR_CODES ? (code as ErrorCode) : "internal", message };
}

/** Record -> msgpack. */
export function encodeRecord(record: RunRecord): Buffer {
  const { batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts } = record;
  return packr.pack([batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts]);
}

/** msgpack -> record; undefined for a run that no worker finished (its workers died). */
export function decodeRecord(bytes: Uint8Array): RunRecord | undefined {
  if (bytes.length === 0) return undefined;
  const [batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts] =
    packr.unpack(bytes) as [string, number, number, string, number, number, number, number, number, number];
  return { batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts };
}
