#!lua
-- The smallest store of a task that still keeps its input: the HTTP floor's one script.
-- KEYS 1 task
-- ARGV 1 input
--      2 how long it is kept, milliseconds
-- Output 1
redis.call("HSET", KEYS[1], "input", ARGV[1], "state", "PENDING")
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return 1
