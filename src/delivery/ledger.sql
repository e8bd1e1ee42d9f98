-- name: ledger_worker_insert
INSERT INTO worker (boot, pid, started, relay) VALUES ($1, $2, $3, $4);

-- name: ledger_worker_delete
-- A mailing that was halted is held, but not finished: rows of it may be claimed.
-- Not while it holds a row: recovery finds rows by their worker.
DELETE FROM worker
 WHERE id = $1 AND NOT EXISTS
       (SELECT 1 FROM outbox
         WHERE mailing IN (SELECT id FROM mailing WHERE state NOT IN ('expanding', 'sent')
                       AND (state <> 'held' OR finished_at IS NULL))
           AND outbox.worker = $1 AND outbox.state IN ('claimed', 'committing'));

-- name: ledger_worker_list
SELECT id, boot FROM worker;

-- name: ledger_claim
-- Takes up to $3 due rows of the most urgent mailing for worker $1. Guarded by
-- the worker's lock, not by time: see "Decisions" 1. A letter that shows a
-- deadline is not sent once that has passed.
UPDATE outbox SET state = 'claimed', worker = $1
 WHERE id IN (SELECT due.id
                FROM mailing CROSS JOIN outbox due ON due.mailing = mailing.id
               WHERE mailing.state IN ('queued', 'sending')
                 AND ($4 = 0 OR mailing.id = $4)
                 AND (mailing.not_after IS NULL OR mailing.not_after > $2)
                 AND due.state IN ('queued', 'deferred') AND due.next_at <= $2
               ORDER BY mailing.priority, mailing.id, due.next_at, due.id
               LIMIT $3)
RETURNING id, mailing, coalesce(member, 0), variant, attempts, address, slots,
          (SELECT coalesce(list, 0) FROM mailing WHERE mailing.id = outbox.mailing),
          member IS NULL OR EXISTS
          (SELECT 1 FROM mailing
            WHERE mailing.id = outbox.mailing
              AND (mailing.list IS NULL OR EXISTS
                   (SELECT 1 FROM v_list_recipient
                     WHERE v_list_recipient.list = mailing.list
                       AND v_list_recipient.member = outbox.member)));

-- name: ledger_postpone
-- Not an attempt: nobody was asked.
UPDATE outbox SET state = 'deferred', worker = NULL, next_at = $3,
       reply = coalesce(reply, 'its domain puts everybody off')
 WHERE id = $1 AND worker = $2 AND state = 'claimed';

-- name: ledger_first_attempt
SELECT coalesce(min(at), $2) FROM attempt WHERE outbox = $1 AND stage <> 'recovery';

-- name: ledger_mailing_sending
UPDATE mailing SET state = 'sending' WHERE id = $1 AND state = 'queued';

-- name: ledger_begin
UPDATE outbox SET state = 'committing', committing_at = $3
 WHERE id = $1 AND worker = $2 AND state = 'claimed';

-- name: ledger_sent
UPDATE outbox SET state = 'sent', worker = NULL, relay = $3, done_at = $4, attempts = attempts + 1,
       code = $5, enhanced = $6, reply = $7
 WHERE id = $1 AND worker = $2 AND state = 'committing';

-- name: ledger_settled
-- Deferred, failed, suppressed or unknown: $3, with the answer that says why.
UPDATE outbox SET state = $3, worker = NULL, relay = $4, done_at = $5, attempts = attempts + 1,
       code = $6, enhanced = $7, reply = $8, next_at = $9
 WHERE id = $1 AND worker = $2 AND state IN ('claimed', 'committing');

-- name: ledger_attempt
INSERT INTO attempt (outbox, n, at, relay, stage, code, enhanced, text)
VALUES ($1, (SELECT coalesce(max(n), 0) + 1 FROM attempt WHERE outbox = $1), $2, $3, $4, $5, $6, $7);

-- name: ledger_return
-- As if it had not been tried.
UPDATE outbox SET state = 'queued', worker = NULL, committing_at = NULL
 WHERE id = $1 AND worker = $2 AND state IN ('claimed', 'committing');

-- name: ledger_return_all
UPDATE outbox SET state = 'queued', worker = NULL
 WHERE mailing IN (SELECT id FROM mailing WHERE state NOT IN ('expanding', 'sent')
                       AND (state <> 'held' OR finished_at IS NULL))
   AND worker = $1 AND state = 'claimed';

-- name: ledger_recover_note
-- The ledger names every row that may have gone out before it is sent again.
INSERT INTO attempt (outbox, n, at, relay, stage, text)
SELECT id, (SELECT coalesce(max(n), 0) + 1 FROM attempt WHERE attempt.outbox = outbox.id), $2,
       coalesce(relay, ''), 'recovery', $3
  FROM outbox
 WHERE mailing IN (SELECT id FROM mailing WHERE state NOT IN ('expanding', 'sent')
                       AND (state <> 'held' OR finished_at IS NULL))
   AND worker = $1 AND (state = 'committing' OR ($4 AND state = 'claimed'));

-- name: ledger_recover_unknown
UPDATE outbox SET state = 'unknown', worker = NULL, done_at = $2, reply = $3
 WHERE mailing IN (SELECT id FROM mailing WHERE state NOT IN ('expanding', 'sent')
                       AND (state <> 'held' OR finished_at IS NULL))
   AND worker = $1 AND (state = 'committing' OR ($4 AND state = 'claimed'));

-- name: ledger_policy_requeue
UPDATE outbox SET state = 'queued', next_at = 0, resends = resends + 1
 WHERE state = 'unknown' AND resends < $2 AND ($1 = 0 OR mailing = $1)
   AND mailing IN (SELECT id FROM mailing
                    WHERE on_unknown = 'resend' AND state IN ('queued', 'sending'));

-- name: ledger_finish
-- Mailings with no open rows are done; with unknown rows they wait for a person, and
-- so does one that shows a deadline that has passed.
UPDATE mailing
   SET state = CASE WHEN EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                                    AND outbox.state IN ('unknown', 'queued', 'deferred'))
                    THEN 'held' ELSE 'sent' END,
       finished_at = $1
 WHERE state IN ('queued', 'sending')
   AND (NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                       AND outbox.state IN ('queued', 'deferred', 'claimed', 'committing'))
        OR (not_after <= $1 AND NOT EXISTS
            (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                AND outbox.state IN ('claimed', 'committing'))));

-- name: ledger_finish_cancelled
-- Rows that were claimed when their mailing was cancelled, and came back.
UPDATE outbox SET state = 'suppressed', done_at = $1, reply = 'the mailing was cancelled'
 WHERE mailing IN (SELECT id FROM mailing WHERE state = 'cancelled')
   AND state IN ('queued', 'deferred');
