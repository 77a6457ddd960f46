#!lua flags=allow-oom
-- Cancels one task, only while it is on an open run; its twins go on. Idempotent. One slot. O(log twins).
-- KEYS: task
-- ARGV: taskId, owner
-- REPLY: {"none"} (unknown, or another owner's) | {"gone"} | {"canceled", blob ('' if none)} | {"ended", state}
-- @include leave-run
local task, task_id, owner = KEYS[1], ARGV[1], ARGV[2]
local shard = string.match(task, '^.-}:')
local fields = redis.call('HMGET', task, 'owner', 'run', 'state')
if not fields[2] or fields[1] ~= owner then
  return { 'none' }
end
if fields[3] == 'CANCELED' then
  return { 'canceled', '' }
end
if fields[3] then
  return { 'ended', fields[3] }
end
require_here({ task, shard .. 'run:' .. fields[2] })
local state = redis.call('HGET', shard .. 'run:' .. fields[2], 'state')
if not state then
  return { 'gone' }
end
if state ~= 'OPEN' then
  return { 'ended', state }
end
local _, blob = leave_run(shard, fields[2], task_id, 'CANCELED')
return { 'canceled', blob }
