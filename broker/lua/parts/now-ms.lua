-- Server time in milliseconds. Leases and deadlines are judged by the clock of the shard that holds them.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
