-- name: worker_insert
INSERT INTO worker (boot, pid, started, relay) VALUES ($1, $2, $3, $4);

-- name: worker_delete
-- Not while it holds a row: recovery finds rows by their worker.
DELETE FROM worker WHERE id = $1;

-- name: worker_list
SELECT id, boot FROM worker;

-- name: worker_rows
-- What it holds, for who has its lock: nobody else changes them. Reads all rows of the
-- mailings that are under way, so never while the database is locked. A mailing that was
-- halted is held, but not finished: rows of it may be claimed.
SELECT id, state = 'committing' FROM outbox
 WHERE mailing IN (SELECT id FROM mailing WHERE state NOT IN ('expanding', 'sent')
                       AND (state <> 'held' OR finished_at IS NULL))
   AND worker = $1 AND state IN ('claimed', 'committing');

-- name: worker_return
-- As if it had not been tried.
UPDATE outbox SET state = 'queued', worker = NULL, committing_at = NULL
 WHERE id = $1 AND worker = $2 AND state IN ('claimed', 'committing');
