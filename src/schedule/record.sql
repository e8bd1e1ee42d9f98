-- name: record_list
SELECT id, kind, job, target, local, zone, due_at, state, reason, attempts, next_at, done_at, mailing
  FROM schedule_run ORDER BY due_at DESC, id DESC LIMIT $1;
