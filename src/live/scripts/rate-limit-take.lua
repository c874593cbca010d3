-- A token bucket. KEYS[1] holds when it will have drained, in ms since 1970 on this server's clock.
-- ARGV: how many to add, (a lifetime that is not needed), how many it holds, in how many seconds it drains when full.
-- Gives its level and how long it takes to drain, or a level that is too high and after how many ms to try again.
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local capacity = tonumber(ARGV[3])
local drainMs = ARGV[4] * 1000
local drained = math.max(now, tonumber(redis.call('get', KEYS[1]) or 0))
drained = drained + ARGV[1] * drainMs / capacity
local excessMs = drained - now - drainMs
-- A node counted a moment earlier than its call came here: whoever waited as long as it said is not refused for that.
if excessMs > 20 then
  return { capacity + 1, math.max(1, math.ceil(excessMs)) }
end
local leftMs = math.max(1, math.ceil(drained - now))
redis.call('set', KEYS[1], string.format('%.3f', drained), 'px', leftMs)
return { math.min(capacity, math.ceil((drained - now) * capacity / drainMs)), leftMs }
