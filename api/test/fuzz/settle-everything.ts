import { formatLane, keys, type ModelDefinition, type RedisClient, type RowOutcome } from "@sluice/broker";
import { allShards } from "../api-fixture.js";
import { floatOutput, settle, textOutput } from "../fake-worker.js";

/** Settles every run of these models soon after it is admitted, one in seven as FAILED. Stands for batchers and workers. */
export function startSettling(redis: RedisClient, models: readonly ModelDefinition[]) {
  const lanes = models.flatMap((model) =>
    (["now", "bulk"] as const).map((batchClass) => ({
      model,
      lane: formatLane({ model: model.name, version: model.version, zone: "local", batchClass }),
    })),
  );
  let stopped = false;
  let settled = 0;
  const pass = async () => {
    for (const { model, lane } of lanes) {
      for (const shard of allShards) {
        const entries = await redis.xrange(keys.ready(shard, lane), "-", "+", "COUNT", 64);
        for (const [, [, ref = ""]] of entries) await settle(redis, ref.split(" ")[0], outcomeOf(model, settled++));
      }
    }
  };
  const loop = (async () => {
    while (!stopped) {
      await pass();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await pass();
  })();
  return {
    settled: () => settled,
    async stop() {
      stopped = true;
      await loop;
    },
  };
}

function outcomeOf(model: ModelDefinition, count: number): RowOutcome {
  if (count % 7 === 3) return { state: "FAILED", failure: { code: "endpoint-unavailable", message: "it is down" } };
  const output = model.outputs.map((wanted) => {
    if (wanted.kind === "text") return textOutput(wanted.tensor, "text");
    if (wanted.kind === "labels")
      return floatOutput(
        wanted.tensor,
        wanted.labels.map((_label, i) => 1 / (i + 2)),
      );
    return floatOutput(wanted.tensor, [0.5, Number.NaN, -1, 3, 4, 5, 6, 7]);
  });
  return { state: "SUCCESS", output };
}
