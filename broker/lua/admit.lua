#!lua
-- Admits a task once: attaches it to the run of its digest if that run is open or holds a result [R1], else creates
-- the run with its entry in the ready stream, which is the custody of the work until a result is stored.
-- Refused as a whole when Redis is out of memory: no allow-oom flag. Every accepting path writes, so that WAIT
-- on the same connection covers it. One slot. O(log twins).
-- KEYS: task, run, digest, ready
-- ARGV: taskId, owner, ttlMs (until the deadline), lane, digest, cost, signature, inputField (input | blob), input,
--       maxDepth (entries in this ready stream), maxTwins (tasks of one run), taskKeepMs (after the deadline),
--       pointerMs (how long later tasks find this run), resultKeepMs (a kept result lives at least so long)
-- REPLY: {"created", runId, depth (it is counted)} | {"joined", runId} | {"kept", runId} | {"again", runId} | {"full", depth, limit}
-- @include now-ms
-- @include open-lane
local task, run, pointer, ready = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local task_id, owner, ttl_ms, lane, digest, cost, signature = unpack(ARGV, 1, 7)
local input_field, input, max_depth, max_twins, task_keep_ms, pointer_ms, result_keep_ms = unpack(ARGV, 8, 14)
local shard = string.match(task, '^.-}:')
local now = now_ms()
-- Text, for Redis writes out a number of Lua anew each time, and slowly.
local deadline = string.format('%d', now + ttl_ms)
local task_ttl = ttl_ms + task_keep_ms
-- Most tasks are new in every way, and one look tells.
local is_new = redis.call('EXISTS', task, run, pointer) == 0

local known = not is_new and redis.call('HGET', task, 'run')
if known then
  redis.call('PEXPIRE', task, task_ttl)
  return { 'again', known }
end

-- depth: of the ready stream, if it is known
local function add_entry(run_id, depth)
  if (depth or 0) == 0 and redis.call('EXISTS', ready) == 0 then
    open_lane(shard, lane)
  end
  -- One field: a reader decodes each value of each entry apart, and five of them cost more than the split.
  local ref = table.concat({ run_id, digest, deadline, cost, signature }, ' ')
  return redis.call('XADD', ready, '*', 'ref', ref)
end

local function attach(run_id)
  redis.call('HSET', task, 'owner', owner, 'run', run_id, 'deadline', deadline)
  redis.call('PEXPIRE', task, task_ttl)
end

-- A task's own record is forgotten before some runs are. A run of this very id is never made a second time, for
-- others may have its result, and a task that a run counts already is not counted again.
local target = not is_new and (redis.call('EXISTS', run) == 1 and task_id or redis.call('GET', pointer))
if target then
  local run_key = shard .. 'run:' .. target
  local fields = redis.call('HMGET', run_key, 'state', 'live', 'deadline', 'lane', 'now_entry')
  if fields[1] == 'SUCCESS' then
    attach(target)
    if redis.call('PTTL', run_key) < tonumber(result_keep_ms) then
      redis.call('PEXPIRE', run_key, result_keep_ms)
    end
    return { 'kept', target }
  elseif fields[1] == 'OPEN' then
    local tasks = run_key .. ':tasks'
    local listed = redis.call('EXISTS', tasks) == 1
    local counted = listed and redis.call('ZSCORE', tasks, task_id) or not listed and target == task_id
    if not counted then
      if tonumber(fields[2]) >= tonumber(max_twins) then
        return { 'full', tonumber(fields[2]), tonumber(max_twins) }
      end
      redis.call('HINCRBY', run_key, 'live', 1)
    end
    if not listed then
      redis.call('ZADD', tasks, fields[3], target)
    end
    redis.call('ZADD', tasks, deadline, task_id)
    if tonumber(deadline) > tonumber(fields[3]) then
      redis.call('HSET', run_key, 'deadline', deadline)
    end
    if lane ~= fields[4] and not fields[5] and string.match(lane, ':now$') then
      redis.call('HSET', run_key, 'now_lane', lane, 'now_entry', add_entry(target))
    end
    attach(target)
    return { 'joined', target }
  elseif target == task_id then
    attach(target)
    return { 'again', target }
  end
end

local depth = redis.call('XLEN', ready)
if depth >= tonumber(max_depth) then
  return { 'full', depth, tonumber(max_depth) }
end
redis.call('HSET', run, 'state', 'OPEN', 'lane', lane, 'digest', digest, 'cost', cost, 'signature', signature,
  input_field, input, 'live', '1', 'deadline', deadline, 'admitted', string.format('%d', now), 'entry', add_entry(task_id, depth))
attach(task_id)
redis.call('SET', pointer, task_id, 'PX', pointer_ms)
return { 'created', task_id, depth + 1 }
