-- name: source_state
SELECT polled_at, ok_at, next_at, failures, error, changed_at, url FROM source WHERE name = $1;

-- name: source_save
-- The outcome of a poll; ok_at and changed_at stay where they are given as NULL.
INSERT INTO source (name, polled_at, ok_at, next_at, failures, error, changed_at, url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name) DO UPDATE
   SET polled_at = excluded.polled_at,
       ok_at = coalesce(excluded.ok_at, ok_at),
       next_at = excluded.next_at,
       failures = excluded.failures,
       error = excluded.error,
       changed_at = coalesce(excluded.changed_at, changed_at),
       url = excluded.url;
