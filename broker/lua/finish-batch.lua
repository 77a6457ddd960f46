#!lua flags=allow-oom
-- Takes a notice away (XACK + XDEL) if it is still pending for this slot, which frees a credit, and tells the
-- batchers what was not settled. Batchers do the same for a slot that died. Where the group is lost, nothing is pending:
-- whoever makes it again gives the notice to some slot once more. One slot. O(1).
-- KEYS: notices
-- ARGV: slot, noticeId, channel, message (msgpack)
-- REPLY: "finished" | "stale" (the notice is gone, is another slot's or nobody's)
local notices, slot, notice_id = KEYS[1], ARGV[1], ARGV[2]
if redis.call('EXISTS', notices) == 0 then
  return 'stale'
end
local pending = redis.pcall('XPENDING', notices, 'workers', notice_id, notice_id, 1)
if pending.err then
  if string.match(pending.err, '^NOGROUP') then
    return 'stale'
  end
  return pending
end
if not pending[1] or pending[1][2] ~= slot then
  return 'stale'
end
redis.call('XACK', notices, 'workers', notice_id)
redis.call('XDEL', notices, notice_id)
redis.call('SPUBLISH', ARGV[3], ARGV[4])
return 'finished'
