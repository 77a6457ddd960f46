-- Makes the ready stream of a lane with its group, and notes the lane: `lanes` names every ready stream of the shard,
-- so that work of a model that nobody registers any more is found all the same. The group begins at 0: entries that
-- came before it are delivered too.
local function open_lane(shard, lane)
  local reply = redis.pcall('XGROUP', 'CREATE', shard .. 'ready:' .. lane, 'batchers', '0', 'MKSTREAM')
  if reply.err and not string.match(reply.err, '^BUSYGROUP') then
    error(reply.err)
  end
  redis.call('SADD', shard .. 'lanes', lane)
end
