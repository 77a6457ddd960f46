#!lua flags=allow-oom
-- Stores EXPIRED for the tasks of runs whose own deadline is before now + margin. A run that a twin has prolonged
-- stays open, and its reference must not be forgotten [R6]. One slot. O(runs x log twins).
-- KEYS: run...
-- ARGV: marginMs, runId...
-- REPLY: per run {"closed", blob ('' if none)} | {"open", deadlineMs}
-- @include now-ms
-- @include leave-run
local horizon = now_ms() + ARGV[1]
local replies = {}
for i, run in ipairs(KEYS) do
  local run_id = ARGV[i + 1]
  local shard = string.match(run, '^.-}:')
  local fields = redis.call('HMGET', run, 'state', 'deadline')
  replies[i] = { 'closed', '' }
  if fields[1] == 'OPEN' then
    local late = redis.call('ZRANGEBYSCORE', run .. ':tasks', '-inf', '(' .. horizon)
    if redis.call('EXISTS', run .. ':tasks') == 0 and tonumber(fields[2]) < horizon then
      late = { run_id }
    end
    local closed, blob = false, ''
    for _, task_id in ipairs(late) do
      closed, blob = leave_run(shard, run_id, task_id, 'EXPIRED')
    end
    replies[i] = closed and { 'closed', blob } or { 'open', tonumber(fields[2]) }
  end
end
return replies
