#!lua flags=allow-oom
-- Forgets a lane in which nothing is left: its ready stream and its place in the list of lanes. Whoever admits to it
-- later makes both again. One slot. O(consumers).
-- KEYS: ready, lanes
-- ARGV: lane
-- REPLY: 1 (forgotten) | 0 (there is work in it)
if redis.call('XLEN', KEYS[1]) > 0 then
  return 0
end
redis.call('UNLINK', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
