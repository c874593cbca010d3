-- Declares an epoch dead in one bucket, so that no late write of it counts, and gives some of its sessions, to be ended by
-- presence-write. Where there are none left the epoch is done with here.
--
-- KEYS  1 the epoch's count of writes to the bucket  2 the epoch's sessions in it  3 the epochs that have been writing to it
-- ARGV  1 epoch  2 ms for which late writes are refused  3 how many sessions
-- Gives session, user id, ….

redis.call('SET', KEYS[1], 'ended', 'PX', ARGV[2])
local sessions = redis.call('HRANDFIELD', KEYS[2], ARGV[3], 'WITHVALUES')
if #sessions == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
return sessions
