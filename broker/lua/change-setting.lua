#!lua flags=allow-oom
-- Changes one live setting and notes who did, if the settings still are what whoever asks has checked the change
-- against. The log keeps the latest keepEntries. One slot. O(settings).
-- KEYS: config, log
-- ARGV: by, field, operation (set | unset), value, keepEntries, expected... (field, value of all settings there are)
-- REPLY: "changed" | "moved" (somebody else has changed them: read them again)
-- @include require-here
local config, log = KEYS[1], KEYS[2]
local by, field, operation, value = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
require_here({ config, log })
if redis.call('HLEN', config) ~= (#ARGV - 5) / 2 then
  return 'moved'
end
for i = 6, #ARGV, 2 do
  if redis.call('HGET', config, ARGV[i]) ~= ARGV[i + 1] then
    return 'moved'
  end
end
local entry = { 'by', by, 'field', field }
local old = redis.call('HGET', config, field)
if old then
  table.insert(entry, 'old')
  table.insert(entry, old)
end
if operation == 'set' then
  table.insert(entry, 'new')
  table.insert(entry, value)
end
redis.call('XADD', log, 'MAXLEN', ARGV[5], '*', unpack(entry))
if operation == 'set' then
  redis.call('HSET', config, field, value)
else
  redis.call('HDEL', config, field)
end
return 'changed'
