-- Users of one bucket, and the version of the bucket that they are of.
--
-- KEYS  1 version of the bucket  2… users
-- Gives {version or '', fields, …} in the order of the keys.

local reply = {redis.call('GET', KEYS[1]) or ''}
for place = 2, #KEYS do
  reply[place] = redis.call('HGETALL', KEYS[place])
end
return reply
