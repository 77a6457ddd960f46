-- Heartbeats that lie in the future were written before the clock was set back. They count as of now: who lives says so
-- again soon, and who is dead is found silent as late as if it had died just now, not when that future has come.
local function pull_back(heartbeats, now)
  for _, who in ipairs(redis.call('ZRANGEBYSCORE', heartbeats, '(' .. now, '+inf')) do
    redis.call('ZADD', heartbeats, now, who)
  end
end
