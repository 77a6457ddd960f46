import { BrokerError, ERROR_CODES, type ErrorCode } from "../errors.js";
import { packList, unpackList } from "../msgpack-list.js";
import { compressOutput, expandOutput } from "./compressed-output.js";

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

/** Output tensors -> msgpack, compressed where that pays. */
export function encodeOutput(tensors: readonly OutputTensor[]): Buffer {
  return compressOutput(packList(tensors.map(({ name, datatype, shape, data }) => [name, datatype, shape, data])));
}

/** msgpack -> output tensors. @throws BrokerError upstream-invalid on bytes that `encodeOutput` did not write. */
export function decodeOutput(bytes: Uint8Array): OutputTensor[] {
  const list = unpackList(expandOutput(bytes));
  if (!list) throw new BrokerError("upstream-invalid", "a stored result cannot be read");
  return list.map((tensor) => {
    const [name, datatype, shape, data] = Array.isArray(tensor) ? (tensor as unknown[]) : [];
    const named = typeof name === "string" && typeof datatype === "string";
    if (!named || !Array.isArray(shape) || !shape.every(Number.isInteger) || !(data instanceof Uint8Array)) {
      throw new BrokerError("upstream-invalid", "a stored result cannot be read");
    }
    return { name, datatype, shape: shape as number[], data };
  });
}

/** Failure -> msgpack. */
export function encodeFailure(failure: TaskFailure): Buffer {
  return packList([failure.code, failure.message]);
}

/** msgpack -> failure; an unknown code (written by a newer version), or bytes of nobody's, read as `internal`. */
export function decodeFailure(bytes: Uint8Array): TaskFailure {
  const [code, message] = unpackList(bytes) ?? [];
  const known = typeof code === "string" && Object.hasOwn(ERROR_CODES, code);
  return {
    code: known ? (code as ErrorCode) : "internal",
    message: typeof message === "string" ? message : "the reason that was stored cannot be read",
  };
}

/** Record -> msgpack. */
export function encodeRecord(record: RunRecord): Buffer {
  const { batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts } = record;
  return packList([batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts]);
}

/** msgpack -> record; undefined for a run that no worker finished (its workers died), or bytes of nobody's. */
export function decodeRecord(bytes: Uint8Array): RunRecord | undefined {
  const list = bytes.length === 0 ? undefined : unpackList(bytes);
  if (list?.length !== 10) return undefined;
  const [batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts] = list as [
    string,
    number,
    number,
    string,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { batchId, size, unique, reason, queueMs, batchWaitMs, preprocessMs, inferMs, gpuShareMs, attempts };
}
