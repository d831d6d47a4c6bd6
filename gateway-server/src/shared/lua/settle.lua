-- Gives a place back, and corrects what was used.
-- KEYS: as in reserve.lua. ARGV: ticket, tokens (-1: the estimate stands), counted (0: nothing was sent)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[3], ARGV[1])
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
local size = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0)
if ARGV[3] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('HINCRBY', KEYS[2], 'sum', -size)
  return 1
end
if tonumber(score) > now then redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1]) end
local tokens = tonumber(ARGV[2])
if tokens >= 0 then
  redis.call('HSET', KEYS[2], ARGV[1], tokens)
  redis.call('HINCRBY', KEYS[2], 'sum', tokens - size)
end
return 1
