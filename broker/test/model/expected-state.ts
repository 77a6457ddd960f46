import { keys } from "../../src/index.js";
import { type Expected, Expiry, Names, type Time } from "./unknown.js";
import type { Binding, Letter, Run, Shard, Stream, Task, World } from "./world.js";
import { POOL } from "./rules/pool.js";

/** What must lie in Redis: key -> type, time to live, value; in the form in which `readState` reads it. */
export function expectedState(world: World): Record<string, Expected> {
  const state: Record<string, Expected> = {};
  for (const [number, shard] of world.shards) addShard(state, number, shard);
  for (const [batchClass, stream] of world.pool.notices) {
    state[keys.notices(POOL, batchClass)] = ofStream(stream, "workers");
  }
  if (world.pool.slots.size > 0) state[keys.slots(POOL)] = of("zset", Object.fromEntries(world.pool.slots));
  if (world.batchers.size > 0) state[keys.batchers()] = of("zset", Object.fromEntries(world.batchers));
  for (const [key, binding] of world.idempotency) state[key] = ofBinding(binding);
  return state;
}

function addShard(state: Record<string, Expected>, number: number, shard: Shard): void {
  for (const [taskId, task] of shard.tasks) state[keys.task(number, taskId)] = ofTask(task);
  for (const [runId, run] of shard.runs) {
    state[keys.run(number, runId)] = of("hash", fieldsOf(run), run.expires);
    if (run.state === "OPEN" && run.hadTwins) {
      state[keys.runTasks(number, runId)] = of("zset", Object.fromEntries(run.tasks));
    }
  }
  for (const [digest, { value, expires }] of shard.digests) {
    state[keys.digest(number, digest)] = of("string", value, expires);
  }
  if (shard.owner) state[keys.owner(number)] = of("string", shard.owner.value, shard.owner.expires);
  if (shard.dead) state[keys.dead(number)] = of("stream", { entries: shard.dead.map(ofLetter), groups: {} });
  if (shard.ready.size > 0) state[keys.lanes(number)] = of("set", [...shard.ready.keys()].sort());
  for (const [lane, stream] of shard.ready) state[keys.ready(number, lane)] = ofStream(stream, "batchers");
}

const of = (type: string, value: Expected, expires?: Time): Expected => ({
  type,
  expires: expires ? new Expiry(expires) : null,
  value,
});

const ofTask = ({ owner, runId: run, deadline, state, expires }: Task): Expected =>
  of("hash", { owner, run, deadline, state }, expires);

const ofLetter = ({ id, fields }: Letter): Expected => [id, Object.entries(fields).flat()];

function fieldsOf(run: Run): Expected {
  const { state, lane, digest, signature, deadline, admitted, entry, input, claim, end } = run;
  const count = (value: number | undefined) => (value === undefined ? undefined : String(value));
  const held = claim === "free" ? { lease: "0", worker: "" } : claim;
  return {
    ...{ state, lane, digest, signature, deadline, admitted, entry, cost: String(run.cost) },
    ...{ live: String(run.tasks.size), now_lane: run.now?.lane, now_entry: run.now?.entry },
    ...(input ? { [input.kind]: input.text } : {}),
    ...(held ? { lease: held.lease, worker: held.worker } : {}),
    ...{ attempts: count(run.attempts), deaths: count(run.deaths), alone_deaths: count(run.aloneDeaths) },
    alone: run.alone === undefined ? undefined : run.alone ? "1" : "0",
    ...(end ? { [state === "SUCCESS" ? "output" : "error"]: end.value, record: end.record } : {}),
    finished: end?.finished,
    letter: run.letter,
  };
}

function ofStream({ entries, consumers, lastDelivered }: Stream, group: string): Expected {
  const pending = entries.filter((entry) => entry.consumer !== undefined);
  const names = (existence: string) => [...consumers].filter(([, is]) => is === existence).map(([name]) => name);
  return of("stream", {
    entries: entries.map(({ id, fields }) => [id, fields]),
    groups: {
      [group]: {
        lastDelivered,
        pending: pending.map(({ id, consumer, deliveries }) => [id, consumer, deliveries]),
        consumers: new Names(names("sure"), names("maybe")),
      },
    },
  });
}

function ofBinding({ fingerprint, taskId, version, attempt, since, ...rest }: Binding): Expected {
  const fields = { fingerprint, task: taskId, version, attempt: String(attempt), since, kept: String(rest.keptMs) };
  const [admitted, vacant] = [rest.admitted, rest.vacant].map((is) => (is ? "1" : undefined));
  return of("hash", { ...fields, admitted, vacant }, rest.expires);
}
