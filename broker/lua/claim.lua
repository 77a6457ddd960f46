#!lua flags=allow-oom
-- A worker slot takes the runs of one notice: only runs that are open, in time and not leased (a repeat of this very
-- claim is answered again). A claim that was never given back is no death: its worker may never have heard of it, and
-- live. Deaths are counted by whoever finds a slot silent (unclaim.lua). A run with too many deaths in company is
-- refused unless it is alone by order, and the refusal says so [R9]; only from then on do deaths count to its dead
-- letter [R12], which it gets here. One slot. O(runs + bytes of input).
-- KEYS: run...
-- ARGV: slot, batchId, leaseMs (so long that the slot would be found silent first), aloneInProcess (1: the batch is
--       one run by order, with nothing beside it in its process; else 0, for a batch of one by chance proves nothing),
--       maxDeaths, maxAloneDeaths, keepMs (of a failed run), runId...
-- REPLY: {nowMs, per run: {"closed"} | {"leased", remainingMs} | {"late"} | {"apart"} | {"dead"}
--        | {"claimed", attempts, inputField (input | blob), input}}
-- @include now-ms
-- @include bury-run
local slot, batch_id, lease_ms, alone_in_process, max_deaths, max_alone_deaths, keep_ms = unpack(ARGV, 1, 7)
local alone_here = alone_in_process == '1'
local me = slot .. ' ' .. batch_id
local now = now_ms()
local lease_end = string.format('%d', now + lease_ms)
local replies = { now }

local function claim(run, run_id)
  local fields = redis.call('HMGET', run, 'state', 'lease', 'worker', 'deaths', 'alone_deaths', 'deadline',
    'input', 'attempts', 'blob')
  local state, lease, worker = unpack(fields, 1, 3)
  local needs_alone = tonumber(fields[4] or '0') >= tonumber(max_deaths)
  if state ~= 'OPEN' then
    return { 'closed' }
  end
  if tonumber(lease or '0') > now and worker ~= me then
    return { 'leased', tonumber(lease) - now }
  end
  if needs_alone and not alone_here then
    return { 'apart' }
  end
  if tonumber(fields[6]) < now then
    return { 'late' }
  end
  if alone_here and tonumber(fields[5] or '0') >= tonumber(max_alone_deaths) then
    local shard = string.match(run, '^.-}:')
    local failure = cmsgpack.pack({ 'worker-died', 'the workers that ran this input died each time' })
    bury_run(shard, run_id, now, keep_ms, 'worker-died', failure, '')
    redis.call('SPUBLISH', shard .. 'done', run_id)
    return { 'dead' }
  end
  local attempts = tonumber(fields[8] or '0') + (worker == me and 0 or 1)
  redis.call('HSET', run, 'lease', lease_end, 'worker', me, 'attempts', attempts, 'alone', needs_alone and '1' or '0')
  if fields[7] then
    return { 'claimed', attempts, 'input', fields[7] }
  end
  return { 'claimed', attempts, 'blob', fields[9] or '' }
end

for i, run in ipairs(KEYS) do
  replies[i + 1] = claim(run, ARGV[7 + i])
end
return replies
