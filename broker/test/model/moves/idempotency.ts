import { createHash } from "node:crypto";
import fc from "fast-check";
import { type IdempotentTask, keys, shardOfIdempotencyKey } from "../../../src/index.js";
import { atOnce, type Move, move, pickOf } from "../action.js";
import { bind, confirm, release } from "../rules/idempotency.js";
import { makeTaskId } from "./tasks.js";

const OWNER = "anna";
/** The Redis key of an Idempotency-Key of the one owner. */
export const idempotencyKey = (key: string): string =>
  keys.idempotency(
    shardOfIdempotencyKey({ owner: OWNER, key }),
    createHash("sha256").update(`${OWNER.length}:${OWNER}${key}`).digest("base64url"),
  );

const bindMove = fc
  .record({
    key: fc.constantFrom("k1", "k2"),
    fingerprint: fc.constantFrom("f", "f", "g"),
    keptMs: fc.constantFrom(30_000, 610_000),
  })
  .map((choice) =>
    move("bind", choice, ({ key, fingerprint, keptMs }, _world, memory) => {
      const request = { fingerprint, taskId: makeTaskId(memory, 0), version: "1", keptMs };
      return {
        send: ({ api }, redis) => api.bindIdempotencyKey(redis, { ...request, owner: OWNER, key }),
        plan: () => atOnce((world, now) => bind(world, now, idempotencyKey(key), request)),
        learn: (reply: IdempotentTask | Error, { bindings }) => {
          if (!(reply instanceof Error)) bindings.push({ key, taskId: reply.taskId, attempt: reply.attempt });
        },
      };
    }),
  );

const confirmMove = fc.nat(9).map((pick) =>
  move("confirm", pick, (_choice, _world, memory) => {
    const binding = pickOf(memory.bindings.slice(-4), pick);
    if (!binding) return undefined;
    return {
      send: ({ api }, redis) => api.confirmIdempotencyKey(redis, { ...binding, owner: OWNER }),
      plan: () => atOnce((world) => void confirm(world, idempotencyKey(binding.key), binding.taskId)),
    };
  }),
);

const releaseMove = fc.nat(9).map((pick) =>
  move("release", pick, (_choice, _world, memory) => {
    const binding = pickOf(memory.bindings.slice(-4), pick);
    if (!binding) return undefined;
    const { key, taskId, attempt } = binding;
    return {
      send: ({ api }, redis) => api.releaseIdempotencyKey(redis, { ...binding, owner: OWNER }),
      plan: () => atOnce((world) => release(world, idempotencyKey(key), taskId, attempt)),
    };
  }),
);

/** What the api does with an Idempotency-Key. */
export const idempotencyMoves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: bindMove },
  { weight: 2, arbitrary: confirmMove },
  { weight: 2, arbitrary: releaseMove },
);
