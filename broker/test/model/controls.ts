import { setTimeout } from "node:timers/promises";
import * as broker from "../../src/index.js";
import { breakScript } from "./broken-script.js";
import { idempotencyKey } from "./moves/idempotency.js";
import type { Api, Breakage } from "./rig.js";

/** Something that is broken on purpose: the model must find it. */
export interface Control {
  readonly what: string;
  readonly breakage: () => Breakage;
}

/** Script, what stands there, what is put in its place, what that means. */
const SCRIPTS: readonly (readonly [script: string, from: string, to: string, what: string])[] = [
  ["admit", "if known then", "if false then", "an admission that counts twice when it is sent twice"],
  ["admit", "fields[1] == 'OPEN'", "fields[1] ~= 'SUCCESS'", "a task that joins a run that failed [R1]"],
  ["admit", "redis.call('HINCRBY', run_key, 'live', 1)", "", "a twin that is not counted"],
  [
    "admit",
    "if tonumber(deadline) > tonumber(fields[3]) then",
    "if false then",
    "a twin that does not prolong its run",
  ],
  ["admit", "redis.call('EXISTS', run) == 1 and task_id or", "", "a run that is made a second time"],
  ["admit", "if depth >= tonumber(max_depth) then", "if false then", "a queue that is never full"],
  ["cancel", "if state ~= 'OPEN' then", "if false then", "cancelling a task that is done"],
  ["cancel", "if fields[3]", "if false and fields[3]", "cancelling twice that counts twice"],
  ["cancel", "'live', -1) > 0 then", "'live', -1) > 9 then", "a cancellation that takes the twins along"],
  [
    "cancel",
    "remove_entries(shard, fields[1], fields[2], fields[3], fields[4])",
    "",
    "a cancelled run whose entries stay",
  ],
  ["read-task", "task_id ~= run_id then", "false then", "a task that takes another off a run that it is not on"],
  ["expire", "'(' .. horizon", "'+inf'", "an expiry that closes a run that a twin has prolonged [R6]"],
  ["read-task", "if tonumber(deadline) < now then", "if false then", "a late task that is not stored as expired [R2]"],
  ["claim", "if state ~= 'OPEN' then", "if not state then", "claiming a run that is done"],
  ["claim", "and worker ~= me then", "and worker == '' then", "a claim that takes what another slot has leased"],
  ["unclaim", " deaths = deaths + 1", "", "deaths that nobody counts"],
  ["claim", "return { 'apart' }", "return { 'closed' }", "a refusal that does not say that it must be alone [R9]"],
  ["unclaim", "if alone == '1' then", "if false then", "deaths alone that do not count to the dead letter [R12]"],
  ["claim", "now, keep_ms, 'worker-died'", "now, 1000000, 'worker-died'", "a failed run that is kept too long"],
  ["unclaim", "or fields[2] ~= me", "", "giving back what another slot or batch holds [R7]"],
  ["look-up", "elseif lease > now then", "elseif false then", "a look-up that overlooks the lease"],
  ["settle", "fields[1] ~= 'OPEN'", "false", "a second result that replaces the first"],
  ["settle", "redis.call('XDEL', shard .. 'ready:' .. lane, entry)", "", "XACK without XDEL"],
  ["settle", "redis.call('XACK', shard .. 'ready:' .. lane, 'batchers', entry)", "", "XDEL without XACK"],
  ["settle", "if now_entry then", "if false then", "custody that ends in one of two lanes [R11]"],
  ["settle", "shard .. 'dead', '*'", "shard .. 'lost', '*'", "a failure that leaves no dead letter"],
  ["settle", "if not had_twins and", "if", "a result for a task that may have left its run"],
  ["settle", "if #done > 0 then", "if false then", "a result that wakes nobody"],
  ["publish-batch", "if used >= credits then", "if false then", "a batch that is published without a credit"],
  ["publish-batch", "+ redis.call('XLEN', other)", "", "credits that the other class does not use up"],
  ["finish-batch", "or pending[1][2] ~= slot", "", "taking away the notice of another slot"],
  ["heartbeat", "if fresh > 0 then", "if false then", "new slots that nobody is told of"],
  ["own-shard", "if not owner then", "if true then", "a shard that is taken from its owner"],
  ["drop-lane", "if redis.call('XLEN', KEYS[1]) > 0 then", "if false then", "a lane that goes with work in it"],
  ["drop-idle-consumers", "consumer[4] == 0 and", "", "a consumer that goes with what is pending for it"],
  ["bury-entries", "redis.call('XACK', ready, 'batchers', ARGV[i])", "", "nonsense that stays pending"],
  ["claim-idempotency", "and known[1] == fingerprint", "", "a key that another request takes over"],
  ["claim-idempotency", "if may_take and not remembered then", "if false then", "a task id that is used for ever"],
  ["release-idempotency", "or known[3]", "", "giving back a key whose task is admitted"],
  [
    "confirm-idempotency",
    "redis.call('HGET', key, 'task') ~= task_id",
    "false",
    "confirming a key that names another task",
  ],
];

let bindings = 0;

/** What is broken outside of the scripts. */
const CALLS: readonly (readonly [what: string, api: Partial<Api>])[] = [
  [
    "a sweep that overlooks what is pending for its own batcher [R4]",
    { sweepPending: (redis, stream, consumer) => broker.sweepPending(redis, stream, consumer, () => true) },
  ],
  [
    "the end of a batch that is looked for in the other class",
    {
      finishBatch: (redis, pool, end) =>
        broker.finishBatch(redis, pool, { ...end, batchClass: end.batchClass === "now" ? "bulk" : "now" }),
    },
  ],
  [
    "a redrive that makes another task than the one before it",
    {
      redriveDeadLetter: (redis, blobs, letter, redrive) =>
        broker.redriveDeadLetter(redis, blobs, { ...letter, runId: `another ${letter.runId}` }, redrive),
    },
  ],
  [
    "an Idempotency-Key that is looked up and bound in two steps, which only calls at the same time show",
    {
      bindIdempotencyKey: async (redis, request) => {
        const key = idempotencyKey(request.key);
        const known = await redis.exists(key);
        // Long enough for whoever was sent at the same time to have looked, too; then one after the other.
        await setTimeout(bindings++ % 2 === 0 ? 3 : 8);
        if (known === 0) await redis.del(key);
        return await broker.bindIdempotencyKey(redis, request);
      },
    },
  ],
];

/** All of them. */
export const CONTROLS: readonly Control[] = [
  ...SCRIPTS.map(([script, from, to, what]) => ({ what, breakage: () => ({ client: breakScript(script, from, to) }) })),
  ...CALLS.map(([what, api]) => ({ what, breakage: () => ({ api }) })),
];
