#!lua flags=allow-oom
-- Writes something that means nothing, so that a confirmation asked for next on this connection covers everything that
-- the server has written before, whoever asked it to. One slot. O(1).
-- KEYS: probe
-- ARGV: keepMs
-- REPLY: 1
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
