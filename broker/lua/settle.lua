#!lua flags=allow-oom
-- Stores the results of runs and ends their custody, in one script: result or dead letter, XACK + XDEL of the ready
-- entries [R11], wake-up of whoever waits. A run must be open, it need not be leased by the caller: the first result
-- wins, and a run that is gone is not made again. A small result goes with the wake-up, so that whoever waits need not
-- read it; only that of a run that never had twins, whose one task has its id: if that had left, the run would be
-- closed. One slot. O(runs + bytes of output).
-- KEYS: run...
-- ARGV: keepMs, row... (five values per run: runId, state SUCCESS or FAILED, value = output or error, record,
--       reason = error code of FAILED, else '')
-- REPLY: per run "settled" | "closed"
-- WAKE-UP: per settled run "runId", or "runId,admittedMs,finishedMs,deadlineMs,lane,bytes of output,bytes of record",
--          with ' ' between; if any carries its result: '\n', and those bytes in the same order
-- @include now-ms
-- @include bury-run
-- All apis hear all wake-ups, so this many bytes cost each of them; most scores of labels are smaller.
local CARRIED_BYTES = 1024
local keep_ms, now = ARGV[1], string.format('%d', now_ms())
local shard = string.match(KEYS[1], '^.-}:')
local replies, done, results = {}, {}, {}
local known, touched, lists = {}, { shard .. 'dead' }, {}
for i, run in ipairs(KEYS) do
  known[run] = known[run]
    or redis.call('HMGET', run, 'state', 'lane', 'entry', 'now_lane', 'now_entry', 'admitted', 'deadline')
  lists[i] = run .. ':tasks'
  if known[run][1] == 'OPEN' then
    for _, key in ipairs(keys_of_run(shard, ARGV[5 * i - 3], unpack(known[run], 2, 5))) do
      touched[#touched + 1] = key
    end
  end
end
require_here(touched)
-- One look for all of them: most runs never had twins.
local some_had_twins = redis.call('EXISTS', unpack(lists)) > 0
for i, run in ipairs(KEYS) do
  local run_id, state, value, record, reason = unpack(ARGV, 5 * i - 3, 5 * i + 1)
  local fields = known[run]
  if fields[1] ~= 'OPEN' then
    replies[i] = 'closed'
  else
    local wake_up = run_id
    if state == 'SUCCESS' then
      redis.call('HSET', run, 'state', 'SUCCESS', 'output', value, 'record', record, 'finished', now)
      redis.call('HDEL', run, 'input', 'blob', 'lease', 'worker')
      remove_entries(shard, fields[2], fields[3], fields[4], fields[5])
      local had_twins = some_had_twins and redis.call('UNLINK', lists[i]) == 1
      redis.call('PEXPIRE', run, keep_ms)
      if not had_twins and #value + #record <= CARRIED_BYTES then
        wake_up = table.concat({ run_id, fields[6], now, fields[7], fields[2], #value, #record }, ',')
        results[#results + 1] = value .. record
      end
    else
      bury_run(shard, run_id, now, keep_ms, reason, value, record)
    end
    fields[1] = state
    replies[i] = 'settled'
    done[#done + 1] = wake_up
  end
end
if #done > 0 then
  local carried = #results > 0 and '\n' .. table.concat(results) or ''
  redis.call('SPUBLISH', shard .. 'done', table.concat(done, ' ') .. carried)
end
return replies
