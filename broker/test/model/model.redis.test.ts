import { startRedisCluster, startRedisServer } from "@sluice/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONTROLS } from "./controls.js";
import { explore } from "./explore.js";
import { SHARDS } from "./moves/tasks.js";
import { type Breakage, createRig } from "./rig.js";

/*
 * SLUICE_MODEL_RUNS: how many random runs instead of the usual number; a Cluster gets a fifth of them.
 * SLUICE_MODEL_SEED, SLUICE_MODEL_PATH, SLUICE_MODEL_REPLAY: repeat a failure, as its message says.
 */
const env = process.env;
const SEED = Number(env["SLUICE_MODEL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(env["SLUICE_MODEL_RUNS"] ?? 300);
/** Controls are the same every time: whether chance finds a break is not what they are to show. */
const CONTROL_SEED = 78;
const CONTROL_RUNS = 300;
/** Ten times what a run takes on a busy machine. */
const timeLimitMs = (runs: number) => 60_000 + 1_000 * runs;

const replay = { seed: SEED, path: env["SLUICE_MODEL_PATH"], replayPath: env["SLUICE_MODEL_REPLAY"] };

describe("one Redis", () => {
  let server: Awaited<ReturnType<typeof startRedisServer>>;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  const exploreServer = async (breakage: Breakage, options: Parameters<typeof explore>[1]) => {
    const rig = await createRig(server.url, { ports: [server.port], shards: SHARDS }, breakage);
    try {
      return await explore(rig, options);
    } finally {
      await rig.stop();
    }
  };

  test(
    "every reply, every key and every message is what the model says, in random runs",
    async () => {
      const tally = await exploreServer({}, { runs: RUNS, ...replay, timeLimitMs: timeLimitMs(RUNS) });
      console.info(`one Redis, seed ${SEED}: ${JSON.stringify(tally)}`);
    },
    timeLimitMs(RUNS) + 60_000,
  );

  for (const { what, breakage } of CONTROLS) {
    test(
      `control: ${what} is found`,
      async () => {
        const exploration = { runs: CONTROL_RUNS, seed: CONTROL_SEED, endOnFailure: true };
        const exploring = exploreServer(breakage(), { ...exploration, timeLimitMs: timeLimitMs(CONTROL_RUNS) });
        await expect(exploring).rejects.toThrow("Counterexample");
      },
      timeLimitMs(CONTROL_RUNS) + 60_000,
    );
  }
});

describe("a Cluster of three masters", () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3 });
  });
  afterAll(() => cluster.stop());

  test(
    "every reply, every key and every message is what the model says, in random runs",
    async () => {
      const rig = await createRig(cluster.url, { ports: cluster.nodes.map(({ port }) => port), shards: SHARDS });
      const runs = Math.ceil(RUNS / 5);
      try {
        const tally = await explore(rig, { runs, ...replay, timeLimitMs: timeLimitMs(runs) });
        console.info(`Cluster, seed ${SEED}: ${JSON.stringify(tally)}`);
      } finally {
        await rig.stop();
      }
    },
    timeLimitMs(RUNS) + 60_000,
  );
});
