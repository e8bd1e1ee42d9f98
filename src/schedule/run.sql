-- name: run_list
SELECT id FROM schedule_run WHERE state = 'due' AND next_at <= $1 ORDER BY due_at, id;

-- name: run_running
SELECT id FROM schedule_run WHERE state = 'running' ORDER BY id;

-- name: run_recover
UPDATE schedule_run
   SET state = 'due', next_at = 0, reason = 'the scheduler ended while this was being done'
 WHERE id = $1 AND state = 'running';

-- name: run_get
SELECT job, local, zone, due_at, target, attempts, reason FROM schedule_run
 WHERE id = $1 AND state = 'due' AND next_at <= $2;

-- name: run_begin
UPDATE schedule_run SET state = 'running', target = $2, attempts = attempts + 1
 WHERE id = $1 AND state = 'due';

-- name: run_end
UPDATE schedule_run SET state = $2, reason = $3, done_at = $4, mailing = $5, recipients = $6, cause = $7
 WHERE id = $1;

-- name: run_again
UPDATE schedule_run SET state = 'due', reason = $2, next_at = $3 WHERE id = $1;

-- name: run_wait
-- Nothing was tried: it does not count as an attempt.
UPDATE schedule_run SET state = 'due', attempts = attempts - 1, reason = $2, next_at = $3,
       mailing = $4
 WHERE id = $1;

-- name: run_drafted
-- What was made of an occurrence, $3 before it.
SELECT target FROM schedule_run
 WHERE job = 'drafts/' || $1 AND local = $2 AND state = 'done' AND target <> '';

-- name: run_unbegin
UPDATE schedule_run SET state = 'due', attempts = attempts - 1 WHERE id = $1;

-- name: run_next
SELECT min(next_at) FROM schedule_run WHERE state = 'due' HAVING count(*) > 0;

-- name: run_add_now
INSERT INTO schedule_run (job, local, kind, zone, due_at, state) VALUES ($1, $2, $3, $4, $5, 'due')
    ON CONFLICT (job, local) DO NOTHING;
