#!lua
-- Binds an Idempotency-Key to one task before the task is admitted. An admission that stopped half-way is taken
-- over, with its own task id, after takeOverMs; whoever holds the key has the number of its attempt. When no attempt
-- is so recent that its task would still be remembered, the key is bound anew, to another task: twins may be left
-- that were told how the run of the first one ended, and its id must not be given to a second run. One slot. O(1).
-- KEYS: idempotency
-- ARGV: fingerprint (of the request), taskId, version (of the model), takeOverMs, ttlMs,
--       keptMs (so long a task that this attempt admits is remembered, at least),
--       attempt (1, or the number of an attempt that had the key when Redis lost it)
-- REPLY: {"new", attempt} | {"taken-over" | "in-progress" | "admitted", attempt, fingerprint, taskId, version,
--        remembered (1: the task must still be known, if it was admitted; else 0)}
-- @include now-ms
local key, fingerprint, task_id, version, take_over_ms, ttl_ms, kept_ms = KEYS[1], unpack(ARGV, 1, 6)
local first = tonumber(ARGV[7])
local now = now_ms()
local known = redis.call('HMGET', key, 'fingerprint', 'task', 'version', 'admitted', 'since', 'attempt', 'vacant', 'kept')
local may_take = not known[4] and known[1] == fingerprint
local remembered = known[1] and now - known[5] <= tonumber(known[8] or ttl_ms)
if may_take and not remembered then
  redis.call('UNLINK', key)
  known = {}
end
if not known[1] then
  redis.call('HSET', key, 'fingerprint', fingerprint, 'task', task_id, 'version', version, 'since', now, 'attempt', first,
    'kept', kept_ms)
  redis.call('PEXPIRE', key, ttl_ms)
  return { 'new', first }
end
-- One that began in the future began before the clock was set back: it is as old as one that began long ago.
local word, attempt = 'in-progress', tonumber(known[6] or 1)
if known[4] then
  word = 'admitted'
elseif may_take and (known[7] or math.abs(now - known[5]) > tonumber(take_over_ms)) then
  word, attempt = 'taken-over', attempt + 1
  redis.call('HDEL', key, 'vacant')
  redis.call('HSET', key, 'since', now, 'attempt', attempt, 'kept', math.max(tonumber(known[8] or 0), tonumber(kept_ms)))
end
return { word, attempt, known[1], known[2], known[3], remembered and 1 or 0 }
