import fc from "fast-check";
import * as proto from "../src/index.js";

/** A codec with random values for it; every optional member is present, so that a decoded value is equal to it. */
export interface MessageCase {
  codec: proto.Codec<never>;
  values: fc.Arbitrary<object>;
}

const text = fc.oneof(fc.constant(""), fc.string({ unit: "grapheme", maxLength: 40 }));
const bool = fc.boolean();
const int32 = fc.oneof(fc.constant(0), fc.integer());
const safeInteger = fc.oneof(
  fc.constantFrom(-1, 0, 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.maxSafeInteger(),
);
const safeCount = fc.oneof(fc.constantFrom(0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const uint64 = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const int64 = fc.oneof(
  fc.constantFrom(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const bytes = fc.uint8Array({ maxLength: 300 });
const shape = fc.array(safeInteger, { maxLength: 8 });
const list = <T>(element: fc.Arbitrary<T>) => fc.array(element, { maxLength: 4 });

const parameter: fc.Arbitrary<proto.InferParameter> = fc.oneof(
  fc.record({ kind: fc.constant("bool" as const), value: bool }),
  fc.record({ kind: fc.constant("int64" as const), value: int64 }),
  fc.record({ kind: fc.constant("string" as const), value: text }),
  fc.record({ kind: fc.constant("double" as const), value: fc.double() }),
  fc.record({ kind: fc.constant("uint64" as const), value: uint64 }),
);
// protobufjs keeps maps in plain objects, which cannot hold this one key.
const parameterName = text.filter((name) => name !== "__proto__");
const parameters = fc.array(fc.tuple(parameterName, parameter), { maxLength: 4 }).map((entries) => new Map(entries));

const tensor = fc.record({ name: text, datatype: text, shape, parameters });
const tensorMetadata = fc.record({ name: text, datatype: text, shape });
const modelVersion = fc.record({ name: text, version: text });
const duration = fc.record({ count: safeCount, ns: uint64 });
const computed = { computeInput: duration, computeInfer: duration, computeOutput: duration };
const statistics = fc.record({
  name: text,
  version: text,
  lastInference: safeCount,
  inferenceCount: safeCount,
  executionCount: safeCount,
  inferenceStats: fc.record({
    success: duration,
    fail: duration,
    queue: duration,
    ...computed,
    cacheHit: duration,
    cacheMiss: duration,
  }),
  batchStats: list(fc.record({ batchSize: safeCount, ...computed })),
});
const config = fc.record(
  {
    name: text,
    platform: text,
    maxBatchSize: int32,
    instanceGroup: list(fc.record({ name: text, count: int32, kind: int32 })),
    dynamicBatching: fc.record({ preferredBatchSize: list(int32), maxQueueDelayMicroseconds: safeCount }),
    backend: text,
    modelTransactionPolicy: fc.record({ decoupled: bool }),
  },
  {
    requiredKeys: ["name", "platform", "maxBatchSize", "instanceGroup", "backend", "modelTransactionPolicy"],
  },
);
const inferRequest = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  parameters,
  inputs: list(tensor),
  outputs: list(fc.record({ name: text, parameters })),
  rawInputContents: list(bytes),
});
const inferResponse = fc.record({
  modelName: text,
  modelVersion: text,
  id: text,
  parameters,
  outputs: list(tensor),
  rawOutputContents: list(bytes),
});
const modelIndex = fc.record({ name: text, version: text, state: text, reason: text });
const region = fc.record({ name: text, key: text, offset: safeCount, byteSize: safeCount });
const regions = fc.array(fc.tuple(parameterName, region), { maxLength: 4 }).map((entries) => new Map(entries));

/** Every message of the service. */
export const MESSAGES: MessageCase[] = [
  of(proto.serverLiveRequestCodec, fc.constant({})),
  of(proto.serverLiveResponseCodec, fc.record({ live: bool })),
  of(proto.serverReadyRequestCodec, fc.constant({})),
  of(proto.serverReadyResponseCodec, fc.record({ ready: bool })),
  of(proto.modelReadyRequestCodec, modelVersion),
  of(proto.modelReadyResponseCodec, fc.record({ ready: bool })),
  of(proto.modelMetadataRequestCodec, modelVersion),
  of(
    proto.modelMetadataResponseCodec,
    fc.record({
      name: text,
      versions: list(text),
      platform: text,
      inputs: list(tensorMetadata),
      outputs: list(tensorMetadata),
    }),
  ),
  of(proto.modelConfigRequestCodec, modelVersion),
  of(proto.modelConfigResponseCodec, fc.record({ config })),
  of(proto.modelStatisticsRequestCodec, modelVersion),
  of(proto.modelStatisticsResponseCodec, fc.record({ modelStats: list(statistics) })),
  of(proto.inferRequestCodec, inferRequest),
  of(proto.inferResponseCodec, inferResponse),
  of(proto.repositoryIndexRequestCodec, fc.record({ repositoryName: text, ready: bool })),
  of(proto.repositoryIndexResponseCodec, fc.record({ models: list(modelIndex) })),
  of(proto.sharedMemoryStatusRequestCodec, fc.record({ name: text })),
  of(proto.sharedMemoryStatusResponseCodec, fc.record({ regions })),
  of(proto.sharedMemoryRegisterRequestCodec, region),
  of(proto.sharedMemoryRegisterResponseCodec, fc.constant({})),
  of(proto.sharedMemoryUnregisterRequestCodec, fc.record({ name: text })),
  of(proto.sharedMemoryUnregisterResponseCodec, fc.constant({})),
];

function of<T extends object>(codec: proto.Codec<T>, values: fc.Arbitrary<T>): MessageCase {
  return { codec: codec as unknown as proto.Codec<never>, values };
}
