-- Makes a stream and its group, whichever is missing. The group begins at 0: entries that came before it are
-- delivered too.
local function ensure_group(stream, group)
  local reply = redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  if reply.err and not string.match(reply.err, '^BUSYGROUP') then
    error(reply.err)
  end
end
