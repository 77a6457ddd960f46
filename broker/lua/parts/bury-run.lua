-- @include remove-entries
-- Ends a run as FAILED and keeps its input as a dead letter, with the reason. Entries go in the same script.
-- error: what tasks of the run are told (msgpack bytes). reason: the error code.
local function bury_run(shard, run_id, now, keep_ms, reason, error, record)
  local run = shard .. 'run:' .. run_id
  local fields = redis.call('HMGET', run, 'lane', 'entry', 'now_lane', 'now_entry', 'digest', 'signature', 'cost',
    'input', 'blob', 'attempts')
  local touched = keys_of_run(shard, run_id, unpack(fields, 1, 4))
  touched[#touched + 1] = shard .. 'dead'
  require_here(touched)
  local letter = redis.call('XADD', shard .. 'dead', '*', 'run', run_id, 'lane', fields[1], 'digest', fields[5] or '',
    'signature', fields[6] or '', 'cost', fields[7] or '1', 'input', fields[8] or '', 'blob', fields[9] or '',
    'attempts', fields[10] or '0', 'reason', reason, 'error', error)
  redis.call('HSET', run, 'state', 'FAILED', 'error', error, 'record', record, 'finished', now, 'letter', letter)
  redis.call('HDEL', run, 'input', 'blob', 'lease', 'worker')
  remove_entries(shard, fields[1], fields[2], fields[3], fields[4])
  redis.call('UNLINK', run .. ':tasks')
  redis.call('PEXPIRE', run, keep_ms)
end
