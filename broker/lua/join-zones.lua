#!lua flags=allow-oom
-- Puts zones on the list of all zones: a role that starts in a new one must be heard of also when memory is short. One
-- slot. O(zones named).
-- KEYS: zones
-- ARGV: zone...
-- REPLY: how many were not on it
return redis.call('SADD', KEYS[1], unpack(ARGV))
