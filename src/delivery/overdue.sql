-- name: overdue_list
-- Not one that was halted: why it was refused must be looked at first.
SELECT id, subject FROM mailing
 WHERE state = 'held' AND reason IS NULL AND purpose = 'letter' AND not_after <= $1
   AND subject LIKE 'newsletters/%'
   AND (EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                   AND outbox.state IN ('queued', 'deferred'))
        OR (EXISTS (SELECT 1 FROM v_replaced WHERE v_replaced.mailing = mailing.id)
            AND NOT EXISTS (SELECT 1 FROM mailing AS anew
                             WHERE anew.dedupe = 'letter:' || mailing.subject || ':anew-' || mailing.id
                               AND anew.state <> 'expanding')))
 ORDER BY id;

-- name: overdue_replace
-- In bites of $3 rows. The text is what v_replaced goes by.
UPDATE outbox
   SET state = 'suppressed', done_at = $2, code = NULL, enhanced = NULL,
       reply = 'composed anew: a deadline that it shows is over'
 WHERE id IN (SELECT outbox.id FROM mailing JOIN outbox ON outbox.mailing = mailing.id
               WHERE mailing.id = $1 AND mailing.state = 'held' AND mailing.not_after <= $2
                 AND outbox.state IN ('queued', 'deferred')
               LIMIT $3);

-- name: overdue_settle
-- Not while somebody else plans the new one, and may die of it.
UPDATE mailing SET state = 'sent'
 WHERE id = $1 AND state = 'held'
   AND NOT EXISTS (SELECT 1 FROM mailing AS anew
                    WHERE anew.dedupe = 'letter:' || mailing.subject || ':anew-' || mailing.id
                      AND anew.state = 'expanding')
   AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.mailing = mailing.id
                      AND outbox.state IN ('queued', 'deferred', 'unknown'));
