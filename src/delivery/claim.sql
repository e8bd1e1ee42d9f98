-- name: claim_take
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

-- name: claim_postpone
-- Not an attempt: nobody was asked.
UPDATE outbox SET state = 'deferred', worker = NULL, next_at = $3,
       reply = coalesce(reply, 'its domain puts everybody off')
 WHERE id = $1 AND worker = $2 AND state = 'claimed';

-- name: claim_mailing_sending
UPDATE mailing SET state = 'sending' WHERE id = $1 AND state = 'queued';
