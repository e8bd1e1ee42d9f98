-- name: restore_note
INSERT INTO attempt (outbox, n, at, relay, stage, text)
SELECT id, (SELECT coalesce(max(n), 0) + 1 FROM attempt WHERE attempt.outbox = outbox.id), $1,
       coalesce(relay, ''), 'recovery', $2
  FROM outbox
 WHERE state IN ('queued', 'deferred', 'claimed', 'committing');

-- name: restore_rows
UPDATE outbox SET state = 'unknown', worker = NULL, done_at = $1, reply = $2
 WHERE state IN ('queued', 'deferred', 'claimed', 'committing');

-- name: restore_drafts
-- Somebody has to say again that what was approved may go out.
UPDATE mailing SET state = 'waiting' WHERE state = 'approved';

-- name: restore_mailings
UPDATE mailing SET state = 'held', back = NULL, on_unknown = 'hold'
 WHERE state IN ('expanding', 'queued', 'sending', 'paused');

-- name: restore_workers
DELETE FROM worker;
