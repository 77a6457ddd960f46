#!lua flags=allow-oom
-- Makes a stream and its group, whichever is missing. It brings no new work in, so it is carried out when Redis is
-- out of memory: whoever starts then can help to drain it. One slot. O(1).
-- KEYS: stream
-- ARGV: group
-- REPLY: 1
-- @include ensure-group
ensure_group(KEYS[1], ARGV[1])
return 1
