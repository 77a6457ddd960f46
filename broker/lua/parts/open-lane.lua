-- @include ensure-group
-- Makes the ready stream of a lane with its group, and notes the lane: `lanes` names every ready stream of the shard,
-- so that work of a model that nobody registers any more is found all the same.
local function open_lane(shard, lane)
  ensure_group(shard .. 'ready:' .. lane, 'batchers')
  redis.call('SADD', shard .. 'lanes', lane)
end
