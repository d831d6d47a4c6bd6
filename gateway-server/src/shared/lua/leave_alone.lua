-- An endpoint asks to be left alone; the later end holds.
-- KEYS: alone (endpoint by its end). ARGV: endpoint, milliseconds
local time = redis.call('TIME')
local till = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[2])
local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if till > known then redis.call('ZADD', KEYS[1], till, ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], math.max(till, known) - (till - tonumber(ARGV[2])))
return 0
