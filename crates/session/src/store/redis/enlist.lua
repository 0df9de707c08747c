-- Lists a new session under its client and its user, and the client under its realm; takes some expired entries away.
-- KEYS: 1 clients of the realm, 2 name of the client, 3 sessions of the client, 4 sessions of the user.
-- ARGV: 1 session, 2 expires, 3 ttl, 4 client, 5 its name, 6 what expired before this goes.
local ttl = tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[4])
if redis.call('GET', KEYS[2]) ~= ARGV[5] then
  redis.call('SET', KEYS[2], ARGV[5], 'KEEPTTL')
end
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1])
for i, key in ipairs(KEYS) do
  if i ~= 2 then
    local gone = redis.call('ZRANGE', key, '-inf', ARGV[6], 'BYSCORE', 'LIMIT', 0, 16)
    if #gone > 0 then
      redis.call('ZREM', key, unpack(gone))
    end
  end
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, ttl + math.floor(ttl / 4))
  end
end
