import type { Redis } from "ioredis";

/** One look at a server. */
export interface Look {
  /** The server's time, before anything was read. */
  readonly nowMs: number;
  /** Key -> type, time to live (absolute, milliseconds; null if none), value. */
  readonly state: Readonly<Record<string, unknown>>;
}

/** Everything in one server, read at one moment. No shebang: a Cluster's node then lets it look at all of its slots. */
const READ_ALL = `
local seen = {}
local time = redis.call('TIME')
for i, key in ipairs(redis.call('KEYS', '*')) do
  local type = redis.call('TYPE', key).ok
  local value
  if type == 'hash' then value = redis.call('HGETALL', key)
  elseif type == 'string' then value = redis.call('GET', key)
  elseif type == 'set' then value = redis.call('SMEMBERS', key)
  elseif type == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif type == 'stream' then value = redis.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0) end
  seen[i] = { key, type, redis.call('PEXPIRETIME', key), value }
end
return { time[1] * 1000 + math.floor(time[2] / 1000), seen }`;

/** Reads a whole server in one round trip. */
export async function readState(node: Redis): Promise<Look> {
  const reply = asText(await node.callBuffer("EVAL", READ_ALL, "0"));
  const [nowMs, seen] = reply as [number, [string, string, number, unknown][]];
  const state: Record<string, unknown> = {};
  for (const [key, type, expires, value] of seen) {
    state[key] = { type, expires: expires < 0 ? null : expires, value: valueOf(type, value) };
  }
  return { nowMs, state };
}

/**
 * Time passes in a whole server: every time in a hash, every score and every time to live goes `ms` into the past.
 * What has no time left is deleted by Redis itself.
 */
const PASS = `
local ms = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
  local type = redis.call('TYPE', key).ok
  if type == 'hash' then
    for _, field in ipairs({ 'deadline', 'lease', 'admitted', 'finished', 'since' }) do
      local value = tonumber(redis.call('HGET', key, field) or '')
      if value and value > 1 then redis.call('HSET', key, field, value - ms) end
    end
  elseif type == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ms, member) end
  end
  local expires = redis.call('PEXPIRETIME', key)
  if expires > 0 then redis.call('PEXPIREAT', key, expires - ms) end
end`;

/** See {@link PASS}. */
export async function passTime(node: Redis, ms: number): Promise<void> {
  await node.call("EVAL", PASS, "0", String(ms));
}

/** Bytes become text, one character each. */
function asText(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString("latin1");
  return Array.isArray(reply) ? reply.map(asText) : reply;
}

function valueOf(type: string, value: unknown): unknown {
  if (type === "hash" || type === "zset") return pairs(value);
  if (type === "set") return (value as string[]).sort();
  return type === "stream" ? streamOf(pairs(value)) : value;
}

function streamOf({ entries, groups }: Record<string, unknown>): unknown {
  const read = (groups as unknown[]).map((group) => {
    const fields = pairs(group);
    const pending = (fields["pending"] as unknown[][]).map(([id, consumer, , count]) => [id, consumer, count]);
    const consumers = (fields["consumers"] as unknown[]).map((consumer) => pairs(consumer)["name"]);
    return [fields["name"], { lastDelivered: fields["last-delivered-id"], pending, consumers }];
  });
  return { entries, groups: Object.fromEntries(read) as unknown };
}

/** [name, value, name, value, ...] */
function pairs(flat: unknown): Record<string, unknown> {
  const list = flat as unknown[];
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name as string, list[i + 1]]] : [])));
}
