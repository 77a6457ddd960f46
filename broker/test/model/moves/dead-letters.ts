import { createHash } from "node:crypto";
import fc from "fast-check";
import { createTaskId, type DeadLetter, decodeFailure, parseLane } from "../../../src/index.js";
import { atOnce, type Deed, inTurn, type Move, move, pickOf, type Plan } from "../action.js";
import type { Memory } from "../memory.js";
import { admit } from "../rules/admit.js";
import { type EntryId, type Expected } from "../unknown.js";
import { type Letter, shardOf, type World } from "../world.js";
import { admissionOf, MODEL_SETTINGS, SHARDS } from "./tasks.js";

/** What is told of a dead letter. */
function told(shard: number, { id, fields }: Letter): Expected {
  const { run = "", lane = "", digest = "", signature = "", input = "", blob = "", error = "" } = fields;
  return {
    ...{ shard, entryId: id, runId: run, lane, digest, signature },
    ...{ cost: Number(fields["cost"] ?? ""), attempts: Number(fields["attempts"] ?? "") },
    failure: { ...decodeFailure(Buffer.from(error, "latin1")) },
    input: blob ? { kind: "blob", blobId: blob } : { kind: "input", bytes: input },
  };
}

const idMs = (id: EntryId): number => Number.parseInt(id.text ?? "");

/** An operator lists dead letters, and can name them from then on. */
const listOf = (limit: number): Deed => ({
  onlyAlone: true,
  send: ({ api }, redis) => api.listDeadLetters(redis, limit),
  plan: () =>
    atOnce((world) => {
      const all = SHARDS.flatMap((shard) => (shardOf(world, shard).dead ?? []).map((letter) => ({ shard, letter })));
      all.sort((a, b) => idMs(a.letter.id) - idMs(b.letter.id));
      return all.slice(0, limit).map(({ shard, letter }) => told(shard, letter));
    }),
  learn: (letters: DeadLetter[], memory) => memory.letters.push(...letters),
});

const listMove = fc.constantFrom(1, 100).map((limit) => move("list-letters", limit, () => listOf(limit)));

/** One that was listed; lists them if none was. */
function withLetter(pick: number, memory: Memory, use: (letter: DeadLetter) => Deed): Deed {
  const letter = pickOf(memory.letters, pick);
  return letter ? use(letter) : listOf(100);
}

const readMove = fc.nat(99).map((pick) =>
  move("read-letter", pick, (_choice, _world, memory) =>
    withLetter(pick, memory, (letter) => ({
      send: ({ api }, redis) => api.readDeadLetter(redis, letter.shard, letter.entryId),
      plan: () =>
        atOnce((world) => {
          const found = shardOf(world, letter.shard).dead?.find(({ id }) => id.text === letter.entryId);
          return found && told(letter.shard, found);
        }),
    })),
  ),
);

const blobsMove = fc.constantFrom(...SHARDS).map((shard) =>
  move("letter-blobs", shard, () => ({
    send: ({ api }, redis) => api.listDeadLetterBlobs(redis, shard),
    plan: () => atOnce((world) => (shardOf(world, shard).dead ?? []).flatMap(({ fields }) => fields["blob"] || [])),
  })),
);

const deleteMove = fc.nat(99).map((pick) =>
  move("delete-letter", pick, (_choice, _world, memory) =>
    withLetter(pick, memory, (letter) => ({
      send: ({ api, blobs }, redis) => api.deleteDeadLetter(redis, blobs, letter),
      plan: () => deletePlan(letter),
    })),
  ),
);

/** The letter first, then its blob. */
function deletePlan(letter: DeadLetter): Plan {
  const { input } = letter;
  const deleting = atOnce((world) => {
    const shard = shardOf(world, letter.shard);
    shard.dead = shard.dead?.filter(({ id }) => id.text !== letter.entryId);
  });
  const clearing = atOnce((world) => void (input.kind === "blob" && world.blobs.delete(input.blobId)));
  return inTurn(deleting, clearing);
}

const redriveMove = fc
  .record({ pick: fc.nat(99), cached: fc.boolean() })
  .map((choice) =>
    move("redrive", choice, ({ pick, cached }, _world, memory) =>
      withLetter(pick, memory, (letter) => redriveOf(letter, cached, memory)),
    ),
  );

function redriveOf(letter: DeadLetter, cached: boolean, memory: Memory): Deed {
  const options = { owner: "anna", settings: MODEL_SETTINGS, ...(cached ? { cacheTtlS: 168 } : {}) };
  const taskId = redrivenId(letter);
  if (!memory.taskIds.includes(taskId)) memory.taskIds.push(taskId);
  return {
    // Copies of blobs come between its steps.
    onlyAlone: letter.input.kind === "blob",
    send: ({ api, blobs }, redis) => api.redriveDeadLetter(redis, blobs, letter, options),
    plan: () => redrivePlan(letter, taskId, cached),
  };
}

/** The id of the new task follows from the letter, so that a redrive that is repeated makes no second task. */
function redrivenId(letter: DeadLetter): string {
  const entropy = createHash("sha256").update(`redrive ${letter.runId} ${letter.entryId}`).digest();
  return createTaskId(letter.shard, Number.parseInt(letter.entryId), entropy);
}

/** The task is admitted, with a copy of the blob, and only then the letter goes. */
function redrivePlan(letter: DeadLetter, taskId: string, cached: boolean): Plan {
  let error: string | undefined;
  const admitting = atOnce((world, now) => {
    error = letter.runId === "" ? "entry-malformed" : copyBlob(world, letter, taskId);
    if (error) return;
    const reply = admit(world, now, {
      ...admissionOf({
        ...{ taskId, owner: "anna", digest: { text: letter.digest, shard: letter.shard }, cost: letter.cost },
        ...{ signature: letter.signature, ttlMs: MODEL_SETTINGS.queueTtlS * 1_000, input: letter.input },
        lane: parseLane(letter.lane) ?? { model: "", version: "", zone: "", batchClass: "now" },
        ...(cached ? { cacheTtlS: 168 } : {}),
      }),
      ...(letter.input.kind === "blob" ? { input: { kind: "blob", text: taskId } } : {}),
    }) as { kind: string; runId?: string };
    if (letter.input.kind === "blob" && reply.runId !== taskId) world.blobs.delete(taskId);
    if (reply.kind === "full") error = "queue-full";
  });
  const deleting = deletePlan(letter).steps.map((step) =>
    atOnce((world, now) => {
      if (!error) step(world, now);
      return error ? { error } : taskId;
    }),
  );
  return inTurn(admitting, ...deleting);
}

function copyBlob(world: World, { input }: DeadLetter, taskId: string): string | undefined {
  if (input.kind === "input") return undefined;
  const text = world.blobs.get(input.blobId);
  if (text === undefined && !world.blobs.has(taskId)) return "input-rejected";
  if (text !== undefined) world.blobs.set(taskId, text);
  return undefined;
}

/** What operators do with dead letters. */
export const deadLetterMoves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: listMove },
  { weight: 1, arbitrary: readMove },
  { weight: 1, arbitrary: blobsMove },
  { weight: 1, arbitrary: deleteMove },
  { weight: 3, arbitrary: redriveMove },
);
