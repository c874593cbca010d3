-- Changes users of one bucket on behalf of one epoch, as one step: either the changes of a live node, or the ending of a
-- dead one's sessions. Doing it again changes nothing.
--
-- KEYS  1 version of the bucket  2 the epoch's sessions in it: session by user  3 the epoch's count of writes to it
--       4 the epochs that have been writing to it  5… users
-- ARGV  1 epoch  2 number of this write, or 'end'  3 what makes the version unlike any other  4 ms after which all this
--       may be forgotten  5 the same of a user who has no session  6 number of users  … their ids  … changes of five each:
--       place of the user, kind, name, value, ms when the user was seen
--       Kinds: set (session, value), delete (session), end (session, if it is still this epoch's), profile (revision)
-- Gives {'ended'}: the epoch counts as dead; {'stale'}: a later write was here first; {'written'}: nothing changed;
-- {'written', version before, version, user id, fields, …}.

local epoch, ttl, userCount = ARGV[1], ARGV[4], tonumber(ARGV[6])

if ARGV[2] ~= 'end' then
  local writes = redis.call('GET', KEYS[3])
  if writes == 'ended' then return {'ended'} end
  if writes and tonumber(writes) >= tonumber(ARGV[2]) then return {'stale'} end
  redis.call('SET', KEYS[3], ARGV[2], 'PX', ttl)
  redis.call('SADD', KEYS[4], epoch)
  redis.call('PEXPIRE', KEYS[4], ttl)
end

local function isVisible(session)
  return session and string.match(session, '^%S+ (%d)') == '1'
end

-- Whether the session was written under a later epoch of the same process: then this is a late write.
local process, number = string.match(epoch, '^(.+)%-(%d+)$')
local function isSuperseded(session)
  local otherProcess, otherNumber = string.match(session, '^(%S+)%-(%d+) ')
  return otherProcess == process and tonumber(otherNumber) > tonumber(number)
end

-- The greater one stays.
local function raise(key, field, value)
  if tonumber(value) <= tonumber(redis.call('HGET', key, field) or 0) then return false end
  redis.call('HSET', key, field, value)
  return true
end

local function apply(key, userId, kind, name, value, seenMs)
  if kind == 'profile' then return raise(key, 'profile', value) end
  local field = 's:' .. name
  local before = redis.call('HGET', key, field)
  if before and kind ~= 'end' and isSuperseded(before) then return false end
  local after = false
  if kind == 'set' then
    after = value
    redis.call('HSET', KEYS[2], name, userId)
  else
    redis.call('HDEL', KEYS[2], name)
    -- The node came back under a new epoch and wrote its session again.
    if kind == 'end' and before and string.sub(before, 1, #epoch + 1) ~= epoch .. ' ' then return false end
  end
  if before == after then return false end
  if after then redis.call('HSET', key, field, after) else redis.call('HDEL', key, field) end
  if isVisible(before) and not isVisible(after) then raise(key, 'seen', seenMs) end
  return true
end

local function ttlOf(key)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 2) == 's:' then return ttl end
  end
  return ARGV[5]
end

local changed = {}
for at = 7 + userCount, #ARGV, 5 do
  local place = tonumber(ARGV[at])
  local key = KEYS[4 + place]
  if apply(key, ARGV[6 + place], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]) then changed[place] = true end
  redis.call('PEXPIRE', key, ttlOf(key))
end
redis.call('PEXPIRE', KEYS[2], ttl)
redis.call('PEXPIRE', KEYS[1], ttl)

if next(changed) == nil then return {'written'} end

-- Born when there was none, in microseconds: a bucket that was lost and begins anew is told from the one before.
local before = redis.call('GET', KEYS[1]) or ''
local born, count = string.match(before, '^(%d+)%.(%d+)%.')
if not born then
  local time = redis.call('TIME')
  born, count = time[1] .. string.format('%06d', time[2]), 0
end
local version = born .. '.' .. string.format('%d', count + 1) .. '.' .. ARGV[3]
redis.call('SET', KEYS[1], version, 'PX', ttl)

local reply = {'written', before, version}
for place = 1, userCount do
  if changed[place] then
    reply[#reply + 1] = ARGV[6 + place]
    reply[#reply + 1] = redis.call('HGETALL', KEYS[4 + place])
  end
end
return reply
