-- name: recovery_note
-- The ledger names every row that may have gone out before it is sent again.
INSERT INTO attempt (outbox, n, at, relay, stage, text)
SELECT id, (SELECT coalesce(max(n), 0) + 1 FROM attempt WHERE attempt.outbox = outbox.id), $3,
       coalesce(relay, ''), 'recovery', $4
  FROM outbox
 WHERE id = $1 AND worker = $2;

-- name: recovery_unknown
UPDATE outbox SET state = 'unknown', worker = NULL, done_at = $3, reply = $4
 WHERE id = $1 AND worker = $2;

-- name: recovery_requeue
UPDATE outbox SET state = 'queued', next_at = 0, resends = resends + 1
 WHERE state = 'unknown' AND resends < $2 AND ($1 = 0 OR mailing = $1)
   AND mailing IN (SELECT id FROM mailing
                    WHERE on_unknown = 'resend' AND state IN ('queued', 'sending'));

-- name: recovery_over
-- Mailings with nothing left to do. Rows that are claimed have no index: they are looked for
-- only while there is a worker who may have them, and outside of the write lock.
SELECT id FROM mailing
 WHERE state IN ('queued', 'sending')
   AND (not_after <= $1
        OR NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                          AND outbox.state IN ('queued', 'deferred')))
   AND (NOT EXISTS (SELECT 1 FROM worker)
        OR NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                          AND outbox.state IN ('claimed', 'committing')))
 ORDER BY id;

-- name: recovery_finish
-- A mailing with no open rows is done; with unknown rows it waits for a person, and so does
-- one that shows a deadline that has passed. $3 is 1 if nobody has written since it was seen
-- that none of its rows is claimed.
UPDATE mailing
   SET state = CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                                    AND outbox.state = 'unknown')
                      OR EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                                    AND outbox.state IN ('queued', 'deferred'))
                    THEN 'held' ELSE 'sent' END,
       finished_at = $1
 WHERE id = $2 AND state IN ('queued', 'sending')
   AND (not_after <= $1
        OR NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                          AND outbox.state IN ('queued', 'deferred')))
   AND ($3 = 1 OR NOT EXISTS (SELECT 1 FROM worker)
        OR NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                          AND outbox.state IN ('claimed', 'committing')))
RETURNING id, state,
          CASE WHEN state = 'sent' THEN ''
               WHEN not_after <= $1 THEN 'a deadline that it shows is over'
               ELSE 'nobody knows what became of some of it' END,
          (SELECT count(*) FROM outbox WHERE outbox.mailing = mailing.id
              AND outbox.state IN ('queued', 'deferred', 'unknown'));
