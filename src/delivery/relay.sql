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
