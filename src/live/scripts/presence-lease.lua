-- Takes or renews the lease of a node's epoch, and tells which nodes live and which dead epochs the caller is to end.
-- One call for each node and interval: these three keys are all that nodes share as a whole.
--
-- KEYS  1 leases: epoch by the millisecond (this server's clock) at which it runs out
--       2 nodes: what each epoch's node says of itself
--       3 claims: for a dead epoch, who ends it, and until when nobody else does
-- ARGV  1 epoch  2 'enter' or 'renew'  3 lease ms  4 what the node says of itself  5 claim ms, or 0 to end nobody
--       6 digest of the live nodes that the caller knows  7 ms after which all this may be forgotten
--       8… former epochs of the caller, on entering: they are dead, and must not be forgotten
-- Gives {'lost', now}, or {'held', now, digest, live or false, dead}: live is epoch, text, …; dead is epoch, ms when it
-- was last renewed, ….

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[3])

-- A clock that was set back, or another server's after a failover, must not keep a dead node alive.
for _, epoch in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', now + lease), '+inf')) do
  redis.call('ZADD', KEYS[1], string.format('%d', now + lease), epoch)
end

-- A lease that ran out stays lost: another node may be half-way through ending what it covered.
local runsOut = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[2] == 'renew' and (not runsOut or tonumber(runsOut) <= now) then
  return {'lost', now}
end
redis.call('ZADD', KEYS[1], string.format('%d', now + lease), ARGV[1])
for at = 8, #ARGV do
  redis.call('ZADD', KEYS[1], 'NX', string.format('%d', now), ARGV[at])
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])

-- An epoch is named '<process>-<number>'.
local function processOf(epoch)
  return string.match(epoch, '^(.+)%-%d+$') or epoch
end

local live, liveProcesses = {}, {}
local epochs = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', now), '+inf')
table.sort(epochs)
for _, epoch in ipairs(epochs) do
  liveProcesses[processOf(epoch)] = true
  live[#live + 1] = epoch
  live[#live + 1] = redis.call('HGET', KEYS[2], epoch) or ''
end
local digest = redis.sha1hex(table.concat(live, '\n'))

-- A process that lives is writing its sessions again, and ends its former epochs itself when it is done.
local function mayBeClaimed(epoch)
  if liveProcesses[processOf(epoch)] then return false end
  local owner, untilMs = string.match(redis.call('HGET', KEYS[3], epoch) or '', '^(%S+) (%d+)$')
  return not owner or owner == ARGV[1] or tonumber(untilMs) <= now
end

local dead = {}
if tonumber(ARGV[5]) > 0 then
  local claim = ARGV[1] .. ' ' .. string.format('%d', now + tonumber(ARGV[5]))
  for _, epoch in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now), 'LIMIT', 0, 100)) do
    if mayBeClaimed(epoch) then
      redis.call('HSET', KEYS[3], epoch, claim)
      dead[#dead + 1] = epoch
      dead[#dead + 1] = string.format('%d', redis.call('ZSCORE', KEYS[1], epoch) - lease)
    end
  end
end

for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[7])
end
return {'held', now, digest, digest ~= ARGV[6] and live, dead}
