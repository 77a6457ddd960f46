import { DEFAULT_ZONE } from "./lane.js";

/** How many shards the work is spread over. The tag `{q:N}` spreads 16 of them 5/6/5 over three masters. */
export const SHARD_COUNT = 16;

/** Prefix of everything that lies in the slot of one shard; the hash tag of shards stands only here. */
const shardPrefix = (shard: number) => `sluice:{q:${shard}}:`;
/** Prefix of everything that lies in the slot of one pool. */
const poolPrefix = (pool: string) => `sluice:{b:${pool}}:`;

/** What keys of one zone end in; those of `local` have no such end, for most deployments have one zone only. */
const zoneSuffix = (zone: string) => (zone === DEFAULT_ZONE ? "" : `:${zone}`);

/** Every Redis key and channel of Sluice, one pure function each. */
export const keys = {
  /** Stream, group `batchers`: references to open runs. Its entries are the custody of the work. */
  ready: (shard: number, lane: string) => `${shardPrefix(shard)}ready:${lane}`,
  /** Set: the lanes that have a ready stream in this shard, those of models that are gone too. */
  lanes: (shard: number) => `${shardPrefix(shard)}lanes`,
  /** Hash: owner, run, deadline, and the state of a task that left its run. */
  task: (shard: number, taskId: string) => `${shardPrefix(shard)}task:${taskId}`,
  /** Hash: one computation, its input, lease and result. */
  run: (shard: number, runId: string) => `${shardPrefix(shard)}run:${runId}`,
  /** Sorted set by deadline: the tasks of a run that has had more than one. */
  runTasks: (shard: number, runId: string) => `${shardPrefix(shard)}run:${runId}:tasks`,
  /** String: the run that computes, or has computed, this digest. */
  digest: (shard: number, digest: string) => `${shardPrefix(shard)}digest:${digest}`,
  /** Stream: dead letters with their input. */
  dead: (shard: number) => `${shardPrefix(shard)}dead`,
  /** String with a time to live: the batcher that owns a zone's lanes of the shard. */
  owner: (shard: number, zone: string = DEFAULT_ZONE) => `${shardPrefix(shard)}owner${zoneSuffix(zone)}`,
  /** String, for a second: written to see how soon a write is confirmed. */
  probe: (shard: number) => `${shardPrefix(shard)}probe`,
  /** Shard channel: ids of runs (separated by spaces) about which there is something new to read. */
  done: (shard: number) => `${shardPrefix(shard)}done`,
  /** Stream, group `workers`: batches that wait for a worker slot, or are with one. */
  notices: (pool: string, batchClass: string) => `${poolPrefix(pool)}batches:${batchClass}`,
  /** Sorted set by the time of the last heartbeat: worker slots. */
  slots: (pool: string) => `${poolPrefix(pool)}slots`,
  /** Hash: state and weight of the inference endpoints that operators name, by address. */
  endpoints: (pool: string) => `${poolPrefix(pool)}endpoints`,
  /** Shard channel: credits that became free, and what was not settled. */
  credits: (pool: string) => `${poolPrefix(pool)}credits`,
  /** String with a time to live: what a batcher says of how busy a pool's lanes are. */
  load: (pool: string, batcher: string) => `${poolPrefix(pool)}load:${batcher}`,
  /** String with a time to live: what a batcher shows operators of a pool's lanes. */
  laneReport: (pool: string, batcher: string) => `${poolPrefix(pool)}lanes:${batcher}`,
  /** Hash: the task behind an Idempotency-Key. The task may lie in another shard. */
  idempotency: (shard: number, hash: string) => `${shardPrefix(shard)}key:${hash}`,
  /** Sorted set by the time of the last heartbeat: live batchers of a zone, guests among them. */
  batchers: (zone: string = DEFAULT_ZONE) => `sluice:batchers${zoneSuffix(zone)}`,
  /** Set: zones, if there is any but `local`. */
  zones: "sluice:zones",
  /** Hash: what is known of API keys, by their id; none of them can be made from it. */
  apiKeys: "sluice:api-keys",
  /** Hash: when each was used last. */
  apiKeyUses: "sluice:api-keys:used",
  /** Hash with a time to live: the tokens that an owner's requests take. */
  rate: (owner: string) => `sluice:rate:${owner}`,
  /** Hash: live settings, as operators write them. */
  config: "sluice:config",
  /** String: the last set of settings that was accepted. */
  goodConfig: "sluice:config:good",
  /** Stream: the latest changes of settings by command, and who made them. In the slot of `config`, which is its tag. */
  configLog: "sluice:{sluice:config}:log",
  /** Hash: learned service times by version of a model. */
  times: "sluice:times",
  /** Hash: model definitions by name. */
  models: "sluice:models",
} as const;
