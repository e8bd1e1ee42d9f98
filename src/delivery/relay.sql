-- name: relay_state_get
SELECT relay, failures, parked_until, reason, since FROM relay_state WHERE relay = $1;

-- name: relay_state_list
SELECT relay, failures, parked_until, reason, since FROM relay_state ORDER BY relay;

-- name: relay_park
INSERT INTO relay_state (relay, failures, parked_until, reason, since)
VALUES ($1, 1, $2, $3, $4)
ON CONFLICT (relay) DO UPDATE
   SET failures = failures + 1, parked_until = excluded.parked_until, reason = excluded.reason;

-- name: relay_unpark
DELETE FROM relay_state WHERE relay = $1;

-- name: relay_used
SELECT slot, n FROM relay_use WHERE relay = $1 AND window = $2 AND slot >= $3 ORDER BY slot;

-- name: relay_held
SELECT coalesce(sum(held), 0) FROM worker WHERE relay = $1;
