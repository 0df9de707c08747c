-- Moves a refreshed session to its new expiry where it is listed. What isn't listed (it was ended meanwhile) stays so.
-- KEYS: 1 clients of the realm, 2 name of the client, 3... sets that may list the session.
-- ARGV: 1 session, 2 expires, 3 ttl, 4 client.
local ttl = tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], 'XX', 'GT', ARGV[2], ARGV[4])
for i, key in ipairs(KEYS) do
  if i > 2 then
    redis.call('ZADD', key, 'XX', ARGV[2], ARGV[1])
  end
  local left = redis.call('PTTL', key)
  if left >= 0 and left < ttl then
    redis.call('PEXPIRE', key, ttl + math.floor(ttl / 4))
  end
end
