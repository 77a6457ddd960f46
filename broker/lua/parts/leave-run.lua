-- @include remove-entries
-- Takes one task off an open run and lets the task speak for itself from now on (CANCELED or EXPIRED). The run
-- closes when nobody is left: its entries, its input and its record go in this same script; the other tasks of the
-- run are never touched. Returns whether the run closed, and the blob that nobody needs any more ('' if none).
local function leave_run(shard, run_id, task_id, state)
  local run, tasks = shard .. 'run:' .. run_id, shard .. 'run:' .. run_id .. ':tasks'
  local task = shard .. 'task:' .. task_id
  local fields = redis.call('HMGET', run, 'lane', 'entry', 'now_lane', 'now_entry', 'blob')
  local touched = keys_of_run(shard, run_id, unpack(fields, 1, 4))
  touched[#touched + 1] = task
  require_here(touched)
  -- A task whose record has expired must not be made again: nothing would ever take it away. One that was admitted
  -- again since then may be on another run.
  if redis.call('HGET', task, 'run') == run_id then
    redis.call('HSET', task, 'state', state)
  end
  redis.call('SPUBLISH', shard .. 'done', run_id)
  -- Only who is on the run leaves it: a twin may be older than the run, where this id was admitted again later.
  if redis.call('ZREM', tasks, task_id) == 0 and task_id ~= run_id then
    return false, ''
  end
  if redis.call('HINCRBY', run, 'live', -1) > 0 then
    return false, ''
  end
  remove_entries(shard, fields[1], fields[2], fields[3], fields[4])
  redis.call('UNLINK', run, tasks)
  return true, fields[5] or ''
end
