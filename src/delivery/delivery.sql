-- name: delivery_may_get
-- Asked when the envelope goes on the wire: who left, was suppressed or erased since
-- the letter was queued gets nothing (0), nor does anybody of a mailing that was cancelled
-- (2). $1 is 0 for a test address, $2 for a mailing without a list.
SELECT CASE WHEN (SELECT state FROM mailing WHERE id = $3) = 'cancelled' THEN 2
            WHEN $1 = 0 OR $2 = 0 THEN 1
            ELSE EXISTS (SELECT 1 FROM v_list_recipient WHERE list = $2 AND member = $1) END;

-- name: delivery_states
-- In one pass: to group a million rows by their state SQLite would sort them, in 80 MB.
SELECT count(*), coalesce(sum(state = 'sent'), 0),
       coalesce(sum(state = 'failed'), 0), coalesce(sum(state = 'deferred'), 0),
       coalesce(sum(state = 'suppressed'), 0), coalesce(sum(state = 'unknown'), 0)
  FROM outbox WHERE mailing = $1;

-- name: delivery_open
-- Of all mailings: rows that wait. What is settled is not looked at.
SELECT count(*) FROM mailing CROSS JOIN outbox ON outbox.mailing = mailing.id
 WHERE mailing.state IN ('queued', 'sending') AND outbox.state IN ('queued', 'deferred');

-- name: delivery_due
-- Rows that could go now.
SELECT count(*)
  FROM mailing CROSS JOIN outbox ON outbox.mailing = mailing.id
 WHERE mailing.state IN ('queued', 'sending') AND ($1 = 0 OR mailing.id = $1)
   AND (mailing.not_after IS NULL OR mailing.not_after > $2)
   AND outbox.state IN ('queued', 'deferred') AND outbox.next_at <= $2;

-- name: delivery_next_at
-- A row that never waited has next_at 0.
SELECT min((SELECT next_at FROM outbox
             WHERE outbox.mailing = mailing.id AND outbox.state IN ('queued', 'deferred')
               AND outbox.state = 'deferred' AND outbox.next_at > 0
             ORDER BY next_at LIMIT 1))
  FROM mailing
 WHERE CASE $1 WHEN 0 THEN state IN ('queued', 'sending') ELSE id = $1 END;
