#!lua flags=allow-oom
-- Publishes a batch if the pool has a credit: notices of both classes < live slots x (1 + prefetch). One slot. O(log slots).
-- KEYS: notices (of the batch's class), otherNotices, slots
-- ARGV: aliveMs (a slot is live if its heartbeat is not older), prefetch, payload (msgpack)
-- REPLY: {"published", noticeId, used, credits} | {"no-credit", used, credits}
-- @include now-ms
local notices, other, slots = KEYS[1], KEYS[2], KEYS[3]
local alive_ms, prefetch, payload = ARGV[1], ARGV[2], ARGV[3]
local credits = redis.call('ZCOUNT', slots, now_ms() - alive_ms, '+inf') * (1 + prefetch)
local used = redis.call('XLEN', notices) + redis.call('XLEN', other)
if used >= credits then
  return { 'no-credit', used, credits }
end
if redis.call('EXISTS', notices) == 0 then
  redis.call('XGROUP', 'CREATE', notices, 'workers', '0', 'MKSTREAM')
end
return { 'published', redis.call('XADD', notices, '*', 'p', payload), used + 1, credits }
