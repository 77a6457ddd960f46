#!lua flags=allow-oom
-- Notes that the task of an Idempotency-Key is admitted, whichever attempt did it: they all have the same task id.
-- A key that is gone, or names another task by now, is left alone. One slot. O(1).
-- KEYS: idempotency
-- ARGV: taskId
-- REPLY: "confirmed" | "not-bound"
local key, task_id = KEYS[1], ARGV[1]
if redis.call('HGET', key, 'task') ~= task_id then
  return 'not-bound'
end
redis.call('HSET', key, 'admitted', 1)
return 'confirmed'
