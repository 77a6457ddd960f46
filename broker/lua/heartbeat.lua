#!lua flags=allow-oom
-- Says that worker slots are alive; a slot that is new is told to the batchers, for it brings credits. Slots that
-- have been silent for forgetMs are forgotten. One slot. O(slots).
-- KEYS: slots
-- ARGV: channel, message (msgpack), forgetMs, slot...
-- REPLY: number of slots that were new
-- @include now-ms
-- @include pull-back
local slots, now = KEYS[1], now_ms()
local fresh = 0
for i = 4, #ARGV do
  fresh = fresh + redis.call('ZADD', slots, now, ARGV[i])
end
pull_back(slots, now)
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now - ARGV[3])
if fresh > 0 then
  redis.call('SPUBLISH', ARGV[1], ARGV[2])
end
return fresh
