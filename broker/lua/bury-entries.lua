#!lua flags=allow-oom
-- Moves entries of a ready stream that no version of Sluice wrote to the dead letters. They name no run, so nobody
-- waits for them. One slot. O(entries).
-- KEYS: ready, dead
-- ARGV: lane, reason (error code), error (msgpack), maxBytes (kept of each entry), entryId...
-- REPLY: how many were there
local ready, dead = KEYS[1], KEYS[2]
local lane, reason, failure, max_bytes = unpack(ARGV, 1, 4)
local moved = 0
for i = 5, #ARGV do
  local entry = redis.call('XRANGE', ready, ARGV[i], ARGV[i])[1]
  if entry then
    local content = string.sub(table.concat(entry[2], ' '), 1, max_bytes)
    redis.call('XADD', dead, '*', 'run', '', 'lane', lane, 'input', content, 'reason', reason, 'error', failure)
    moved = moved + 1
  end
  redis.call('XACK', ready, 'batchers', ARGV[i])
  redis.call('XDEL', ready, ARGV[i])
end
return moved
