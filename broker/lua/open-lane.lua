#!lua flags=allow-oom
-- Makes the ready stream of a lane, its group and its place in the list of lanes, whichever are missing. It brings no
-- new work in, so it is carried out when Redis is out of memory. One slot. O(1).
-- KEYS: ready, lanes
-- ARGV: lane
-- REPLY: 1
-- @include open-lane
open_lane(string.match(KEYS[2], '^.-}:'), ARGV[1])
return 1
