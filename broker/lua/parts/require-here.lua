-- A script that meets a key of a slot that is moving to another server fails in the middle if the key is not here, and
-- what it wrote before stays. To read all keys that it may touch, by one command and before the first write, makes it
-- fail at once: Redis carries out a command with several keys of a moving slot only where all of them are, and a key
-- that does not exist is nowhere. TRYAGAIN is what Redis says of such a command outside scripts.
-- keys: two at least, all of one slot.
local function require_here(keys)
  for first = 2, #keys, 1000 do
    local last = math.min(first + 999, #keys)
    local reply = redis.pcall('EXISTS', keys[1], unpack(keys, first, last))
    if type(reply) == 'table' and reply.err then
      error({ err = 'TRYAGAIN keys of this slot are on two servers (' .. reply.err .. ')' })
    end
  end
end
