#!lua flags=allow-oom
-- Forgets consumers of processes that are gone. A consumer with pending entries is never deleted, for its entries
-- would never be delivered again. No stream or no group: nothing to forget. One slot. O(consumers).
-- KEYS: stream
-- ARGV: group, idleMs
-- REPLY: number of consumers deleted
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then
  if string.match(consumers.err, '^NOGROUP') or string.match(consumers.err, '^ERR no such key') then
    return 0
  end
  error(consumers.err)
end
local dropped = 0
for _, consumer in ipairs(consumers) do
  -- name, <name>, pending, <count>, idle, <ms>, ...
  if consumer[4] == 0 and consumer[6] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer[2])
    dropped = dropped + 1
  end
end
return dropped
