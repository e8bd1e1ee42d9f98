-- name: domain_list
SELECT domain, paused_until FROM domain_state ORDER BY changed_at DESC LIMIT $1;

-- name: domain_get
SELECT failures, paused_until FROM domain_state WHERE domain = $1;

-- name: domain_put
INSERT INTO domain_state (domain, failures, paused_until, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (domain) DO UPDATE
   SET failures = excluded.failures, paused_until = excluded.paused_until,
       changed_at = excluded.changed_at;

-- name: domain_forget
DELETE FROM domain_state WHERE domain = $1;

-- name: domain_forget_old
DELETE FROM domain_state WHERE changed_at < $1;
