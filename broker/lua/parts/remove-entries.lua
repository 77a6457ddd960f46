-- @include require-here
-- All keys that the end of a run may touch, in a list to be completed by the caller.
-- shard: the key prefix of the slot. fields: lane, entry, now_lane, now_entry of the run (false where absent).
local function keys_of_run(shard, run_id, lane, entry, now_lane, now_entry)
  local keys = { shard .. 'run:' .. run_id, shard .. 'run:' .. run_id .. ':tasks' }
  if entry then
    keys[#keys + 1] = shard .. 'ready:' .. lane
  end
  if now_entry then
    keys[#keys + 1] = shard .. 'ready:' .. now_lane
  end
  return keys
end

-- Ends custody: takes the entries of a run out of every lane, acknowledged and deleted together. [R11]
local function remove_entries(shard, lane, entry, now_lane, now_entry)
  if entry then
    redis.call('XACK', shard .. 'ready:' .. lane, 'batchers', entry)
    redis.call('XDEL', shard .. 'ready:' .. lane, entry)
  end
  if now_entry then
    redis.call('XACK', shard .. 'ready:' .. now_lane, 'batchers', now_entry)
    redis.call('XDEL', shard .. 'ready:' .. now_lane, now_entry)
  end
end
