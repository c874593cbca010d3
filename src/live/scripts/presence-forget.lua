-- Nothing is left of a dead epoch: forgets it, as one step, so that nobody claims it meanwhile.
--
-- KEYS  as of presence-lease
-- ARGV  1 epoch

redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return {redis.call('ZREM', KEYS[1], ARGV[1])}
