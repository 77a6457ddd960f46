#!lua flags=allow-oom
-- Ends the leases of one slot and batch, and only theirs [R7]: "died" when the slot is believed dead (counted),
-- "returned" when it gives the runs back itself (not counted). One slot. O(runs).
-- KEYS: run...
-- ARGV: slot, batchId, kind (died | returned)
-- REPLY: per run "unclaimed" | "other" (not open, or not theirs)
-- @include count-death
local me, kind = ARGV[1] .. ' ' .. ARGV[2], ARGV[3]
local replies = {}
for i, run in ipairs(KEYS) do
  local fields = redis.call('HMGET', run, 'state', 'worker', 'deaths', 'alone', 'alone_deaths')
  if fields[1] ~= 'OPEN' or fields[2] ~= me then
    replies[i] = 'other'
  elseif kind == 'died' then
    count_death(run, tonumber(fields[3] or '0'), fields[4], tonumber(fields[5] or '0'))
    replies[i] = 'unclaimed'
  else
    redis.call('HSET', run, 'lease', 0, 'worker', '', 'alone', 0)
    replies[i] = 'unclaimed'
  end
end
return replies
