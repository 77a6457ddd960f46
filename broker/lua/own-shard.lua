#!lua flags=allow-oom
-- Takes, prolongs or gives up the ownership of a shard. A lease that ends later than any new one was taken before the
-- clock was set back: it is cut to leaseMs, or a dead owner would keep the shard for as long as the clock lost. One
-- slot. O(1).
-- KEYS: owner
-- ARGV: batcher, leaseMs, wanted (1 | 0)
-- REPLY: {"owned"} | {"acquired"} | {"other", batcher} | {"released"} | {"free"} (not wanted and not ours)
local owner = redis.call('GET', KEYS[1])
if ARGV[3] == '1' then
  if not owner then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return { 'acquired' }
  end
  if owner == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return { 'owned' }
  end
  if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return { 'other', owner }
end
if owner == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return { 'released' }
end
return { 'free' }
