#!lua flags=allow-oom
-- Says that a batcher is alive, forgets those that have been silent for aliveMs, and tells who is left. By the clock
-- of the server that holds the list. One slot. O(batchers).
-- KEYS: batchers
-- ARGV: batcher, aliveMs
-- REPLY: {batcher...}
-- @include now-ms
-- @include pull-back
local batchers, now = KEYS[1], now_ms()
redis.call('ZADD', batchers, now, ARGV[1])
pull_back(batchers, now)
redis.call('ZREMRANGEBYSCORE', batchers, '-inf', now - ARGV[2])
return redis.call('ZRANGE', batchers, 0, -1)
