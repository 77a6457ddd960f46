#!lua flags=allow-oom
-- Takes tokens out of a caller's bucket, which fills again evenly; as many as are there, at most as many as are wanted.
-- A clock that was set back fills nothing. One slot. O(1).
-- KEYS: bucket
-- ARGV: perMinute, burst (tokens that fit in), wanted
-- REPLY: {granted, left (whole tokens), waitMs (until the next one; 0 if one is left)}
-- @include now-ms
local per_minute, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
local passed_ms = math.max(0, now - (tonumber(bucket[2]) or now))
tokens = math.min(burst, tokens + passed_ms * per_minute / 60000)
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%d', now))
-- Full again, it says no more than none.
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) * 60000 / per_minute) + 1000)
local wait_ms = tokens >= 1 and 0 or math.ceil((1 - tokens) * 60000 / per_minute)
return { granted, math.floor(tokens), wait_ms }
