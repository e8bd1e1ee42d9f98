-- name: due_job
SELECT rule, since FROM schedule_job WHERE name = $1;

-- name: due_job_set
-- Of several schedulers the first decides; a clock that was put back begins anew.
INSERT INTO schedule_job (name, rule, since) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, since = excluded.since
 WHERE rule <> excluded.rule OR since > excluded.since;

-- name: due_has
SELECT 1 FROM schedule_run WHERE job = $1 AND local = $2;

-- name: due_add
INSERT INTO schedule_run (job, local, kind, zone, due_at, state, reason, done_at, cause)
VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $6 = 'due' THEN NULL ELSE $8 END, $9)
    ON CONFLICT (job, local) DO NOTHING;

-- name: due_overtake
-- An attempt that waits is not made any more once the next occurrence is there.
UPDATE schedule_run SET state = 'skipped', reason = $3, done_at = $4
 WHERE job = $1 AND state = 'due' AND due_at < $2;
