import {
  createReadyReader,
  formatLane,
  keys,
  type OutputTensor,
  parseTaskId,
  type RedisClient,
  type RedisTarget,
  type RowOutcome,
  type RunRecord,
  settleRuns,
} from "@sluice/broker";
import { MODELS } from "./models.js";
import { allShards } from "./api-fixture.js";

export const RECORD: RunRecord = {
  batchId: "batch-1",
  size: 4,
  unique: 3,
  reason: "due",
  queueMs: 12.345,
  batchWaitMs: 10,
  preprocessMs: 0.5,
  inferMs: 8,
  gpuShareMs: 2.6667,
  attempts: 1,
};

const KEEP_MS = 600_000;

/** A BYTES output of one element. */
export function textOutput(name: string, text: string): OutputTensor {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return { name, datatype: "BYTES", shape: [1], data: Buffer.concat([length, bytes]) };
}

/** An FP32 output. */
export function floatOutput(name: string, values: readonly number[]): OutputTensor {
  return { name, datatype: "FP32", shape: [values.length], data: Buffer.from(new Float32Array(values).buffer) };
}

/** Success with one text. */
export const echoOf = (text: string): RowOutcome => ({ state: "SUCCESS", output: [textOutput("ECHO", text)] });

/** Settles one run as a worker would. */
export async function settle(
  redis: RedisClient,
  runId: unknown,
  outcome: RowOutcome,
  record = RECORD,
): Promise<string> {
  const [reply] = await settleRuns(redis, [{ runId: String(runId), outcome, record }], KEEP_MS);
  return String(reply);
}

/** The stored input of a run. */
export async function inputOf(redis: RedisClient, runId: unknown): Promise<Buffer | null> {
  return await redis.hgetBuffer(keys.run(parseTaskId(String(runId))?.shard ?? 0, String(runId)), "input");
}

/** Takes every text run of `echo` from the ready streams and answers its own text. Stands for batcher and worker. */
export async function startEchoWorker(
  target: RedisTarget,
  redis: RedisClient,
): Promise<{ settled: () => number; stop: () => Promise<void> }> {
  const reader = createReadyReader(target, redis, "test-batcher", 0);
  const lane = formatLane({ model: "echo", version: MODELS[0]?.version ?? "1", zone: "local", batchClass: "now" });
  const streams = allShards.map((shard) => ({ shard, lane }));
  let stopped = false;
  let settled = 0;
  const loop = (async () => {
    while (!stopped) {
      const refs = await reader.read(streams, 64, 100).catch(() => []);
      await Promise.all(
        refs.map(async ({ runId }) => {
          const input = await inputOf(redis, runId);
          await settle(redis, runId, echoOf(input?.toString() ?? ""));
          settled++;
        }),
      );
    }
  })();
  return {
    settled: () => settled,
    async stop() {
      stopped = true;
      await loop;
      reader.close();
    },
  };
}
