import fc from "fast-check";
import {
  BATCHER_ALIVE_MS,
  encodeFailure,
  keys,
  type ReadyReader,
  type ReadyStream,
  SHARD_LEASE_MS,
} from "../../../src/index.js";
import { atOnce, atOncePerShard, type Deed, inTurn, type Move, move, type Plan, pickOf } from "../action.js";
import { openLane } from "../rules/admit.js";
import { latin1, lookUp } from "../rules/claim.js";
import { claimPending, dropConsumers, readUndelivered, removeEntry } from "../rules/streams.js";
import { EntryId, EntryTime, type Expected, isBefore, timeOf } from "../unknown.js";
import { type Entry, shardOf, type Stream, type World } from "../world.js";
import { laneName, LANES, pickRuns, placeOf, SHARDS } from "./tasks.js";

const batcher = fc.constantFrom("b1", "b2");
const place = fc.record({ shard: fc.constantFrom(...SHARDS, 0, 0), lane: fc.constantFrom(...LANES) });
const streamOf = (world: World, { shard, lane }: ReadyStream) => shardOf(world, shard).ready.get(lane);

/** One of the streams that are there; any if there is none. */
function streamAt(world: World, pick: number): ReadyStream {
  const streams = [...world.shards].flatMap(([shard, { ready }]) => [...ready.keys()].map((lane) => ({ shard, lane })));
  return pickOf(streams, pick) ?? { shard: SHARDS[0], lane: laneName("now") };
}

const openMove = place.map((stream) =>
  move("open-lane", stream, () => ({
    send: ({ api }, redis) => api.openLane(redis, stream),
    plan: () => atOnce((world) => void openLane(shardOf(world, stream.shard), stream.lane)),
  })),
);

const dropMove = place.map((stream) =>
  move("drop-lane", stream, () => ({
    send: ({ api }, redis) => api.dropLane(redis, stream),
    plan: () =>
      atOnce((world) => {
        if ((streamOf(world, stream)?.entries.length ?? 0) > 0) return false;
        shardOf(world, stream.shard).ready.delete(stream.lane);
        return true;
      }),
  })),
);

const listMove = fc.constantFrom(...SHARDS).map((shard) =>
  move("list-lanes", shard, () => ({
    send: async ({ api }, redis) => (await api.listLanes(redis, shard)).sort(),
    plan: () => atOnce((world) => [...shardOf(world, shard).ready.keys()].sort()),
  })),
);

/** What a batcher is told of entries; it skips what it cannot read. */
const refsOf = (stream: ReadyStream, entries: readonly Entry[]): Expected[] =>
  entries.flatMap(({ id, ref }) => {
    if (!ref) return [];
    const [runId, digest, deadlineMs, cost, ...signature] = ref.words;
    const facts = { runId, digest, deadlineMs, cost: Number(cost), signature: signature.map(String).join(" ") };
    return [{ ...stream, ...facts, entryId: id, admittedMs: new EntryTime(id) }];
  });

const readNewMove = fc.record({ pick: fc.nat(99), batcher, count: fc.integer({ min: 1, max: 3 }) }).map((choice) =>
  move("read-new", choice, ({ pick, batcher, count }, world) => {
    const stream = streamAt(world, pick);
    return {
      send: ({ api }, redis) => api.readNew(redis, stream, batcher, count),
      plan: () =>
        atOnce((draft) => {
          const ready = streamOf(draft, stream);
          return refsOf(stream, ready ? readUndelivered(ready, batcher, count) : []);
        }),
    };
  }),
);

const readerMove = fc
  .record({
    shard: fc.constantFrom(...SHARDS, 0, 0),
    batcher,
    count: fc.integer({ min: 1, max: 3 }),
    both: fc.boolean(),
  })
  .map((choice) =>
    move("reader", choice, ({ shard, batcher, count, both }): Deed => {
      const streams = LANES.slice(0, both ? 2 : 1).map((lane) => ({ shard, lane }));
      const actor = `${batcher} ${shard}`;
      return {
        actor,
        async send({ api, readers, target }, redis) {
          const reader = readers.get(actor) ?? api.createReadyReader(target, redis, batcher, shard);
          readers.set(actor, reader);
          return await (reader as ReadyReader).read(streams, count, 1);
        },
        plan: () => readerPlan(streams, batcher, actor, count),
      };
    }),
  );

/** A reader makes the streams that it does not know yet, and forgets what it knows when one of them is gone. */
function readerPlan(streams: readonly ReadyStream[], ...[batcher, actor, count]: [string, string, number]): Plan {
  const opening = streams.map((stream) =>
    atOnce((world) => {
      const known = world.openLanes.get(actor) ?? new Set();
      if (!known.has(stream.lane)) openLane(shardOf(world, stream.shard), stream.lane);
      world.openLanes.set(actor, known.add(stream.lane));
    }),
  );
  const reading = atOnce((world) => {
    const found = streams.map((stream) => streamOf(world, stream));
    if (found.includes(undefined)) {
      world.openLanes.delete(actor);
      return { error: "storage-unavailable" };
    }
    return streams.flatMap((stream, i) => refsOf(stream, readUndelivered(found[i] as Stream, batcher, count)));
  });
  return inTurn(...opening, reading);
}

const sweepMove = fc.record({ pick: fc.nat(99), batcher, knowsItsOwn: fc.boolean() }).map((choice) =>
  move("sweep", choice, ({ pick, batcher, knowsItsOwn }, world) => {
    const stream = streamAt(world, pick);
    return {
      send: ({ api }, redis) => api.sweepPending(redis, stream, batcher, () => knowsItsOwn),
      plan: () => sweepPlan(stream, batcher, knowsItsOwn),
    };
  }),
);

function sweepPlan(stream: ReadyStream, ...[by, knowsItsOwn]: [string, boolean]) {
  let wanted: EntryId[] = [];
  const looking = atOnce((world) => {
    const pending = (streamOf(world, stream)?.entries ?? []).filter(({ consumer }) => consumer !== undefined);
    wanted = pending.filter(({ consumer }) => consumer !== by || !knowsItsOwn).map(({ id }) => id);
  });
  const claiming = atOnce((world) => {
    const ready = streamOf(world, stream);
    const claimed = ready && wanted.length > 0 ? claimPending(ready, by, wanted) : [];
    const malformed = claimed.filter(({ fields }) => fields[0] === "hello").map(({ id }) => id);
    return { refs: refsOf(stream, claimed), malformed };
  });
  return inTurn(looking, claiming);
}

const strangerMove = fc
  .record({ pick: fc.nat(99), field: fc.constantFrom("hello", "hello", "ref2") })
  .map((choice) => move("stranger", choice, ({ pick, field }, world) => strangerOf(streamAt(world, pick), field)));

/** Somebody else writes into a ready stream: nonsense, or an entry of a later version. */
const strangerOf = (stream: ReadyStream, field: string): Deed => ({
  send: async (_rig, redis) => {
    await redis.xadd(keys.ready(stream.shard, stream.lane), "NOMKSTREAM", "*", field, "world");
  },
  plan: () =>
    atOnce((world) => {
      streamOf(world, stream)?.entries.push({ id: new EntryId(), fields: [field, "world"], deliveries: 0 });
    }),
});

/** Nonsense goes to the dead letters, if there is any; else there is from then on. */
const buryMove = fc.nat(9).map((pick) =>
  move("bury-entries", pick, (_choice, world) => {
    const nonsense = [...world.shards].flatMap(([shard, { ready }]) =>
      [...ready].flatMap(([lane, { entries }]) =>
        entries.flatMap(({ id, fields }) => (fields[0] === "hello" ? [{ shard, lane, entryId: id.text ?? "" }] : [])),
      ),
    );
    const found = pickOf(nonsense, pick);
    if (!found) return strangerOf(streamAt(world, pick), "hello");
    return {
      send: ({ api }, redis) => api.buryEntries(redis, found, [found.entryId]),
      plan: () => atOnce((draft) => buryEntry(draft, found)),
    };
  }),
);

function buryEntry(
  world: World,
  { shard, lane, entryId }: { readonly shard: number; readonly lane: string; readonly entryId: string },
): number {
  const stream = shardOf(world, shard).ready.get(lane);
  const id = stream?.entries.find((entry) => entry.id.text === entryId)?.id;
  if (!id) return 0;
  removeEntry(stream, id);
  const failure = { code: "entry-malformed", message: "an entry of a ready stream cannot be read" } as const;
  const fields = { run: "", lane, input: "hello world", reason: failure.code, error: latin1(encodeFailure(failure)) };
  (shardOf(world, shard).dead ??= []).push({ id: new EntryId(), fields });
  return 1;
}

const dropIdleMove = fc.record({ pick: fc.nat(99), idle: fc.constantFrom(true, true, false) }).map((choice) =>
  move("drop-idle", choice, ({ pick, idle }, world) => {
    const stream = streamAt(world, pick);
    return {
      send: ({ api }, redis) => api.dropIdleBatchers(redis, stream, idle ? -1 : 1_000_000),
      plan: () =>
        atOnce((draft) => {
          const ready = streamOf(draft, stream);
          return ready ? dropConsumers(ready, idle) : 0;
        }),
    };
  }),
);

const ownMove = fc
  .record({ shard: fc.constantFrom(0, 1), batcher, wanted: fc.constantFrom(true, true, false) })
  .map((choice) =>
    move("own-shard", choice, ({ shard: number, batcher, wanted }) => ({
      send: ({ api }, redis) => api.ownShard(redis, number, { batcher }, wanted),
      plan: () =>
        atOnce((world, now) => {
          const shard = shardOf(world, number);
          const mine = shard.owner?.value === batcher;
          if (!wanted) {
            if (mine) delete shard.owner;
            return { kind: mine ? "released" : "free" };
          }
          if (shard.owner && !mine) return { kind: "other", batcher: shard.owner.value };
          shard.owner = { value: batcher, expires: timeOf(now).plus(SHARD_LEASE_MS) };
          return { kind: mine ? "owned" : "acquired" };
        }),
    })),
  );

const announceMove = fc.record({ batcher, leaves: fc.boolean() }).map((choice) =>
  move("announce", choice, ({ batcher, leaves }) => ({
    send: async ({ api }, redis) =>
      leaves ? await api.removeBatcher(redis, { batcher }) : (await api.announceBatcher(redis, { batcher })).sort(),
    plan: () =>
      atOnce((world, now) => {
        if (leaves) return void world.batchers.delete(batcher);
        world.batchers.set(batcher, timeOf(now));
        const oldest = timeOf(now).plus(-BATCHER_ALIVE_MS);
        for (const [name, seen] of world.batchers) if (isBefore(seen, oldest)) world.batchers.delete(name);
        return [...world.batchers.keys()].sort();
      }),
  })),
);

const lookUpMove = fc.array(fc.nat(99), { minLength: 1, maxLength: 4 }).map((picks) =>
  move("look-up", picks, (_choice, world, memory) => {
    const places = pickRuns(world, memory, picks).map(placeOf);
    if (places.length === 0) return undefined;
    return {
      send: ({ api }, redis) => api.lookUpRuns(redis, places),
      plan: () =>
        atOncePerShard(places, (draft, now, group) =>
          group.map(({ shard, runId }) => lookUp(draft, now, shard, runId)),
        ),
    };
  }),
);

/** What batchers do with the shards and streams. */
export const batcherMoves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: readNewMove },
  { weight: 2, arbitrary: readerMove },
  { weight: 4, arbitrary: sweepMove },
  { weight: 3, arbitrary: lookUpMove },
  { weight: 2, arbitrary: ownMove },
  { weight: 2, arbitrary: dropMove },
  { weight: 1, arbitrary: openMove },
  { weight: 1, arbitrary: listMove },
  { weight: 1, arbitrary: announceMove },
  { weight: 2, arbitrary: dropIdleMove },
  { weight: 1, arbitrary: strangerMove },
  { weight: 2, arbitrary: buryMove },
);
