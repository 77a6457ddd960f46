-- Ends custody: takes the entries of a run out of every lane, acknowledged and deleted together. [R11]
-- shard: the key prefix of the slot. fields: lane, entry, now_lane, now_entry of the run (false where absent).
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
