#!lua flags=allow-oom
-- What became of published references that nobody reported as settled. Open and lease over means ready again.
-- One slot. O(runs). Writes nothing.
-- KEYS: run...
-- ARGV: maxDeaths (a run with so many deaths in company must be alone from now on [R9])
-- REPLY: per run {"closed", state (SUCCESS | FAILED, '' of a run that is gone)} | {"leased", remainingMs} | {"ready"} | {"apart"}
-- @include now-ms
local now, max_deaths = now_ms(), tonumber(ARGV[1])
local replies = {}
for i, run in ipairs(KEYS) do
  local fields = redis.call('HMGET', run, 'state', 'lease', 'deaths')
  local lease = tonumber(fields[2] or '0')
  if fields[1] ~= 'OPEN' then
    replies[i] = { 'closed', fields[1] or '' }
  elseif lease > now then
    replies[i] = { 'leased', lease - now }
  elseif tonumber(fields[3] or '0') >= max_deaths then
    replies[i] = { 'apart' }
  else
    replies[i] = { 'ready' }
  end
end
return replies
