-- Takes room for one request, if it is there.
-- KEYS: uses (ticket by time), sizes (tokens by ticket, and their sum), places (ticket by its end)
-- ARGV: ticket, tokens, rpm, tpm, concurrency (each -1 where unbounded), window, arrival, longest (ms)
-- Returns 0 if taken, else the milliseconds until asking again makes sense.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tokens, rpm, tpm, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local window, arrival, longest = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - window)) do
  redis.call('HINCRBY', KEYS[2], 'sum', -(redis.call('HGET', KEYS[2], ticket) or 0))
  redis.call('HDEL', KEYS[2], ticket)
  redis.call('ZREM', KEYS[1], ticket)
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)

-- One that may be on its way yet leaves the window later, but nobody knows when.
local function leaves(score) return math.max(math.min(tonumber(score), now) + window - now, 1) end

local wait = 0
if most >= 0 and redis.call('ZCARD', KEYS[3]) >= most then wait = 25 end
local uses = redis.call('ZCARD', KEYS[1])
if rpm >= 0 and uses + 1 > rpm then
  local last = redis.call('ZRANGE', KEYS[1], uses - rpm, uses - rpm, 'WITHSCORES')
  wait = math.max(wait, last[2] and leaves(last[2]) or window)
end
local over = tonumber(redis.call('HGET', KEYS[2], 'sum') or 0) + tokens - tpm
if tpm >= 0 and over > 0 then
  local place, until_free = 0, window
  while over > 0 and place < uses do
    local page = redis.call('ZRANGE', KEYS[1], place, place + 99, 'WITHSCORES')
    for i = 1, #page, 2 do
      over = over - tonumber(redis.call('HGET', KEYS[2], page[i]) or 0)
      if over <= 0 then until_free = leaves(page[i + 1]); break end
    end
    place = place + 100
  end
  wait = math.max(wait, until_free)
end
if wait > 0 then return wait end

redis.call('ZADD', KEYS[1], now + arrival, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], tokens)
redis.call('HINCRBY', KEYS[2], 'sum', tokens)
redis.call('ZADD', KEYS[3], now + longest, ARGV[1])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, window + arrival + longest) end
return 0
