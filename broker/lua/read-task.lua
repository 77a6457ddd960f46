#!lua flags=allow-oom
-- What a task says now. A task past its deadline on an open run is stored as EXPIRED before it is told [R2].
-- One slot. O(1).
-- KEYS: task
-- ARGV: taskId
-- REPLY: {"none"} | {"left", owner, state, blob ('' if none)} | {"gone", owner}
--        | {"open", owner, runId, deadlineMs, leaseMs (0 = not running), admittedMs, nowMs}
--        | {"done", owner, runId, deadlineMs, state, admittedMs, finishedMs, lane, output, error, record}
-- @include now-ms
-- @include leave-run
local task, task_id = KEYS[1], ARGV[1]
local shard = string.match(task, '^.-}:')
local fields = redis.call('HMGET', task, 'owner', 'run', 'state', 'deadline')
local owner, run_id, left, deadline = unpack(fields, 1, 4)
if not run_id then
  return { 'none' }
end
if left then
  return { 'left', owner, left, '' }
end
local run = shard .. 'run:' .. run_id
require_here({ task, run })
local state = redis.call('HGET', run, 'state')
if not state then
  return { 'gone', owner }
end
if state == 'OPEN' then
  local now = now_ms()
  if tonumber(deadline) < now then
    local _, blob = leave_run(shard, run_id, task_id, 'EXPIRED')
    return { 'left', owner, 'EXPIRED', blob }
  end
  local open = redis.call('HMGET', run, 'lease', 'admitted')
  local lease = tonumber(open[1] or '0')
  if lease < now then
    lease = 0
  end
  return { 'open', owner, run_id, tonumber(deadline), lease, tonumber(open[2]), now }
end
local done = redis.call('HMGET', run, 'admitted', 'finished', 'lane', 'output', 'error', 'record')
return { 'done', owner, run_id, tonumber(deadline), state, tonumber(done[1]), tonumber(done[2]), done[3],
  done[4] or '', done[5] or '', done[6] or '' }
