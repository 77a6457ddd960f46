#!lua
-- Binds an Idempotency-Key to one task before the task is admitted. An admission that stopped half-way is taken
-- over, with its own task id, after takeOverMs; whoever holds the key has the number of its attempt. One slot. O(1).
-- KEYS: idempotency
-- ARGV: fingerprint (of the request), taskId, version (of the model), takeOverMs, ttlMs
-- REPLY: {"new", attempt} | {"taken-over", attempt, fingerprint, taskId, version}
--        | {"in-progress", attempt, fingerprint, taskId, version} | {"admitted", attempt, fingerprint, taskId, version}
-- @include now-ms
local key, fingerprint, task_id, version, take_over_ms, ttl_ms = KEYS[1], unpack(ARGV, 1, 5)
local now = now_ms()
local known = redis.call('HMGET', key, 'fingerprint', 'task', 'version', 'admitted', 'since', 'attempt')
if not known[1] then
  redis.call('HSET', key, 'fingerprint', fingerprint, 'task', task_id, 'version', version, 'since', now, 'attempt', 1)
  redis.call('PEXPIRE', key, ttl_ms)
  return { 'new', 1 }
end
local word, attempt = 'in-progress', tonumber(known[6] or 1)
if known[4] then
  word = 'admitted'
elseif now - known[5] > tonumber(take_over_ms) and known[1] == fingerprint then
  word, attempt = 'taken-over', attempt + 1
  redis.call('HSET', key, 'since', now, 'attempt', attempt)
end
return { word, attempt, known[1], known[2], known[3] }
