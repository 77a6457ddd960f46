import fc from "fast-check";
import {
  type AdmitRequest,
  type BatchClass,
  createTaskId,
  formatLane,
  parseTaskId,
  type Settings,
} from "../../../src/index.js";
import { laneOf, SETTINGS, taskOf } from "../../task-fixture.js";
import { atOnce, atOncePerShard, type Deed, type Move, move, pickOf } from "../action.js";
import type { Memory } from "../memory.js";
import { type Admission, admit } from "../rules/admit.js";
import { cancel, expire, read } from "../rules/leave.js";
import type { World } from "../world.js";

/*
 * Time passes by multiples of 20 s. No time to live, lease or deadline here comes near such a multiple, so that the
 * seconds that a run really takes never decide anything.
 */

/** Two inputs of one shard, and one each of two more; on a Cluster of three masters each shard has another master. */
export const TEXTS = ["text 1", "text 2", "text 5", "text 7"] as const;
export const SHARDS = [0, 1, 2] as const;
const OWNERS = ["anna", "bert"] as const;
const CACHE_TTL_S = 168;

/** Few places, so that they are full now and then. */
export const MODEL_SETTINGS: Settings = {
  ...SETTINGS,
  ...{ queueMaxDepthPerShard: 3, queueMaxTwins: 3, queueTtlS: 106, dedupeTtlS: 48, resultTtlS: 68, cacheTtlS: 0 },
};

/** The lanes of the one model. */
export const LANES = (["now", "bulk"] as const).map((batchClass) => formatLane(laneOf(batchClass)));
export const laneName = (batchClass: BatchClass): string => formatLane(laneOf(batchClass));
export const shardOfTask = (taskId: string): number => parseTaskId(taskId)?.shard ?? 0;
/** Where a run lies. */
export const placeOf = (runId: string) => ({ runId, shard: shardOfTask(runId) });

/** A new id, the same in every replay. */
export function makeTaskId(memory: Memory, shard: number): string {
  const count = ++memory.made;
  const entropy = Buffer.alloc(20);
  entropy.writeUInt32BE(count, 16);
  // The generator takes five bits of each byte.
  entropy[18] = Math.floor(count / 32);
  return createTaskId(shard, 1_000_000, entropy);
}

/** What the rules are told of a request. */
export function admissionOf(request: AdmitRequest): Admission {
  const { taskId, owner, digest, lane, ttlMs, cost = 1, signature, input, cacheTtlS = 0 } = request;
  const { queueMaxDepthPerShard, queueMaxTwins, dedupeTtlS, resultTtlS } = MODEL_SETTINGS;
  const pointerMs = 1_000 * Math.max(dedupeTtlS, cacheTtlS);
  const resultKeepMs = 1_000 * resultTtlS;
  const text = input.kind === "blob" ? input.blobId : Buffer.from(input.bytes).toString("latin1");
  return {
    ...{ taskId, owner, shard: digest.shard, digest: digest.text, lane: formatLane(lane), ttlMs, cost, signature },
    input: { kind: input.kind, text },
    ...{ maxDepth: queueMaxDepthPerShard, maxTwins: queueMaxTwins, pointerMs, resultKeepMs },
    taskKeepMs: Math.max(resultKeepMs, pointerMs) + 60_000,
  };
}

/** Runs that anybody may name: mostly those that are open. */
export function pickRuns(world: World, memory: Memory, picks: readonly number[]): string[] {
  const open = [...world.shards.values()].flatMap(({ runs }) =>
    [...runs].filter(([, { state }]) => state === "OPEN").map(([runId]) => runId),
  );
  return picks.flatMap((pick) => pickOf(pick % 5 === 0 || open.length === 0 ? memory.taskIds : open, pick) ?? []);
}

const admission = fc.record({
  text: fc.constantFrom(...TEXTS, "text 1", "text 1", "text 2"),
  batchClass: fc.constantFrom<BatchClass>("now", "now", "bulk"),
  owner: fc.constantFrom(...OWNERS, "anna"),
  ttlMs: fc.constantFrom(6_000, 106_000, 106_000),
  cached: fc.boolean(),
  blob: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
});

const admitMove = admission.map((choice) =>
  move("admit", choice, ({ text, batchClass, owner, ttlMs, cached, blob }, _world, memory) => {
    const { digest } = taskOf(text);
    const taskId = makeTaskId(memory, digest.shard);
    memory.taskIds.push(taskId);
    const request: AdmitRequest = {
      ...{ taskId, owner, lane: laneOf(batchClass), digest, signature: "s 1", cost: 2, ttlMs },
      input: blob ? { kind: "blob", blobId: taskId } : { kind: "input", bytes: text },
      ...(cached ? { cacheTtlS: CACHE_TTL_S } : {}),
    };
    return {
      async send({ api, blobs }, redis) {
        if (blob) await blobs.put(taskId, Buffer.from(text));
        return await api.admitTask(redis, request, MODEL_SETTINGS);
      },
      plan: () =>
        atOnce((world, now) => {
          if (blob) world.blobs.set(taskId, text);
          return admit(world, now, admissionOf(request));
        }),
    };
  }),
);

const ofTask = fc.record({ pick: fc.nat(99), owner: fc.constantFrom(...OWNERS, "anna") });

const cancelMove = ofTask.map((choice) =>
  move("cancel", choice, ({ pick, owner }, _world, memory) => {
    const taskId = pickOf(memory.taskIds, pick);
    if (taskId === undefined) return undefined;
    return {
      send: ({ api }, redis) => api.cancelTask(redis, taskId, owner),
      plan: () => atOnce((world) => cancel(world, shardOfTask(taskId), taskId, owner)),
    };
  }),
);

const readMove = ofTask.map((choice) =>
  move("read", choice, ({ pick }, _world, memory) => {
    const taskId = pickOf(memory.taskIds, pick);
    return taskId === undefined ? undefined : readOf(taskId);
  }),
);

/** A client asks for a task. */
export const readOf = (taskId: string): Deed => ({
  send: ({ api }, redis) => api.readTask(redis, taskId),
  plan: () => atOnce((world, now) => read(world, now, shardOfTask(taskId), taskId)),
});

const expiry = fc.record({
  picks: fc.array(fc.nat(99), { minLength: 1, maxLength: 4 }),
  marginMs: fc.constantFrom(0, 12_000),
});

const expireMove = expiry.map((choice) =>
  move("expire", choice, ({ picks, marginMs }, world, memory) => {
    const places = pickRuns(world, memory, picks).map(placeOf);
    if (places.length === 0) return undefined;
    return {
      send: ({ api }, redis) => api.expireRuns(redis, places, marginMs),
      plan: () =>
        atOncePerShard(places, (draft, now, group) => group.map((place) => expire(draft, now, place, marginMs))),
    };
  }),
);

/** What clients do, and what expires. */
export const taskMoves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 10, arbitrary: admitMove },
  { weight: 4, arbitrary: cancelMove },
  { weight: 3, arbitrary: readMove },
  { weight: 3, arbitrary: expireMove },
);
