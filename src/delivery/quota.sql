-- name: quota_forget
DELETE FROM relay_limit WHERE relay = $1;

-- name: quota_declare
INSERT INTO relay_limit (relay, window, most) VALUES ($1, $2, $3)
ON CONFLICT (relay, window) DO UPDATE SET most = min(most, excluded.most);

-- name: quota_limits
SELECT window, most FROM relay_limit WHERE relay = $1 ORDER BY window;

-- name: quota_held
SELECT coalesce(sum(held), 0) FROM worker WHERE relay = $1;

-- name: quota_used
-- From slot $3 on, the newest first.
SELECT slot, n FROM relay_use WHERE relay = $1 AND window = $2 AND slot >= $3 ORDER BY slot DESC;

-- name: quota_prune
DELETE FROM relay_use WHERE relay = $1 AND window = $2 AND slot < $3;

-- name: quota_hold
UPDATE worker SET held = held + $2 WHERE id = $1;

-- name: quota_use
INSERT INTO relay_use (relay, window, slot, n)
SELECT relay_limit.relay, relay_limit.window, $2 / max(1, relay_limit.window / $4), $3
  FROM worker JOIN relay_limit ON relay_limit.relay = worker.relay
 WHERE worker.id = $1
ON CONFLICT (relay, window, slot) DO UPDATE SET n = n + excluded.n;
