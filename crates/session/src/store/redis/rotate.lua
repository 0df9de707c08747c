-- Spends a refresh token: the rules of family.rs, atomically.
-- KEYS: the session. ARGV: 1 now, 2 idle (0: none), 3 maximum (0: none), 4 expires, 5 ttl, 6 client, 7 jti, 8 next jti,
-- 9 most reuses (-1: free), 10 most successors.
-- Answers {code, rest of the record}: 0 rotated, 1 not active, 2 reuse exceeded, 3 family ended, 4 stale.
local stored = redis.call('GET', KEYS[1])
if not stored then
  return {1, false}
end
local alive, client, last, expires, uses, spent, next, at =
  string.match(stored, '^([01])|([^|]*)|(%d+)|(%d+)|(%d+)|([^|]*)|([^|]*)|()')
local now, idle, maximum = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if now >= tonumber(expires) or (idle > 0 and now >= tonumber(last) + idle) or (maximum > 0 and now >= maximum) then
  redis.call('DEL', KEYS[1])
  return {1, stored}
end
if alive == '0' or client ~= ARGV[6] then
  return {3, stored}
end

local jti, next_jti, reuses = ARGV[7], ARGV[8], tonumber(ARGV[9])
local refusal = 0
if reuses < 0 then
  next = '*'
elseif jti == spent then
  if tonumber(uses) > reuses then
    refusal = 2
  else
    uses = tostring(tonumber(uses) + 1)
    if next ~= '*' then
      next = next .. ',' .. next_jti
      local _, commas = string.gsub(next, ',', ',')
      if commas >= tonumber(ARGV[10]) then
        next = string.gsub(next, '^[^,]*,', '')
      end
    end
  end
elseif next == '*' or string.find(',' .. next .. ',', ',' .. jti .. ',', 1, true) then
  spent, uses, next = jti, '1', next_jti
else
  refusal = 4
end

local rest = string.sub(stored, at)
if refusal ~= 0 then
  local ended = table.concat({'0', client, last, expires, uses, spent, next, rest}, '|')
  redis.call('SET', KEYS[1], ended, 'KEEPTTL')
  return {refusal, stored}
end
local head = table.concat({'1', client, ARGV[1], ARGV[4], uses, spent, next}, '|')
stored = head .. '|' .. rest
redis.call('SET', KEYS[1], stored, 'PX', ARGV[5])
return {0, stored}
