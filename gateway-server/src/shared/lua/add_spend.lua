-- Adds what one replica spent to this day's sums, once for each number; gives back those of all days
-- that budgets are for.
-- KEYS: spend (the day is added to it), serial of the replica
-- ARGV: serial, days, then for each row: owner, requests, input tokens, output tokens, dollars
-- Returns owner, requests, input tokens, output tokens, dollars, owner, …
local today = math.floor(redis.call('TIME')[1] / 86400)
local days = tonumber(ARGV[2])
local names = { 'requests ', 'input ', 'output ', 'dollars ' }
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[2]) or 0) then
  redis.call('SET', KEYS[2], ARGV[1], 'EX', 86400)
  local key = KEYS[1] .. today
  for i = 3, #ARGV, 5 do
    for j = 1, 3 do redis.call('HINCRBY', key, names[j] .. ARGV[i], ARGV[i + j]) end
    redis.call('HINCRBYFLOAT', key, names[4] .. ARGV[i], ARGV[i + 4])
  end
  if #ARGV > 2 then redis.call('EXPIRE', key, (days + 1) * 86400) end
end
local sums, owners = {}, {}
for day = today - days + 1, today do
  local fields = redis.call('HGETALL', KEYS[1] .. day)
  for i = 1, #fields, 2 do
    local name, owner = string.match(fields[i], '^(%a+ )(.*)$')
    if not sums[owner] then
      sums[owner] = {}
      table.insert(owners, owner)
    end
    sums[owner][name] = (sums[owner][name] or 0) + tonumber(fields[i + 1])
  end
end
local rows = {}
for _, owner in ipairs(owners) do
  table.insert(rows, owner)
  for j = 1, 4 do table.insert(rows, string.format('%.17g', sums[owner][names[j]] or 0)) end
end
return rows
