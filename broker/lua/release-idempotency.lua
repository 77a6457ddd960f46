#!lua flags=allow-oom
-- Gives an Idempotency-Key back after a refusal. Only the attempt that holds it may, and only while nobody noted that
-- the task is admitted. The first attempt forgets the key. A later one cannot know what became of those before it,
-- so the key keeps its task, and the next equal request may take it over at once. One slot. O(1).
-- KEYS: idempotency
-- ARGV: taskId, attempt
-- REPLY: "forgotten" | "vacated" | "not-held"
local key, task_id, attempt = KEYS[1], ARGV[1], ARGV[2]
local known = redis.call('HMGET', key, 'task', 'attempt', 'admitted')
if known[1] ~= task_id or known[2] ~= attempt or known[3] then
  return 'not-held'
end
if attempt == '1' then
  redis.call('UNLINK', key)
  return 'forgotten'
end
redis.call('HSET', key, 'vacant', 1)
return 'vacated'
