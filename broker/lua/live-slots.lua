#!lua flags=allow-oom
-- The worker slots that are alive by the clock of the server that holds their heartbeats. One slot. O(live slots).
-- Writes nothing.
-- KEYS: slots
-- ARGV: aliveMs (a slot is live if its heartbeat is not older)
-- REPLY: {slot...}
-- @include now-ms
return redis.call('ZRANGEBYSCORE', KEYS[1], now_ms() - ARGV[1], '+inf')
