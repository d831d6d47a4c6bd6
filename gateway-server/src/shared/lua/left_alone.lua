-- Who asks to be left alone, and for how many milliseconds yet.
-- KEYS: alone. Returns endpoint, milliseconds, endpoint, …
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local rows = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 2, #rows, 2 do rows[i] = string.format('%d', tonumber(rows[i]) - now) end
return rows
