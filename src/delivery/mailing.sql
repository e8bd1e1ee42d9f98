-- name: mailing_by_dedupe
-- Looked at before a mailing is made: an issue is sent once.
SELECT id, state, created_at, subject, purpose FROM mailing WHERE dedupe = $1;

-- name: mailing_insert
INSERT INTO mailing (uid, purpose, subject, list, dedupe, state, on_unknown, priority, config,
                     audience, message_date, not_after, hash, created_at)
VALUES ($1, $2, $3, $4, $5, $14, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: mailing_part_insert
INSERT INTO mailing_part (mailing, name, type, data) VALUES ($1, $2, $3, $4);

-- name: mailing_part_get
SELECT type, data FROM mailing_part WHERE mailing = $1 AND name = $2;

-- name: mailing_part_list
SELECT name, type, data FROM mailing_part WHERE mailing = $1 ORDER BY name;

-- name: mailing_variant_insert
INSERT INTO variant (mailing, lang, selection, pieces) VALUES ($1, $2, $3, $4);

-- name: mailing_variant_get
SELECT mailing, lang, selection, pieces FROM variant WHERE id = $1;

-- name: mailing_variant_item_insert
INSERT INTO variant_item (variant, item, round) VALUES ($1, $2, $3);

-- name: mailing_recipient_insert
-- A recipient who is there already stays as he is: expansion may be repeated.
INSERT INTO outbox (mailing, dedupe, member, address, variant, slots, priority)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (mailing, dedupe) DO NOTHING;

-- name: mailing_get
SELECT id, uid, purpose, subject, list, dedupe, state, on_unknown, priority, config, audience,
       message_date, not_after, hash, created_at, finished_at, reason
  FROM mailing WHERE id = $1;

-- name: mailing_list
SELECT id, uid, purpose, subject, list, dedupe, state, on_unknown, priority, config, audience,
       message_date, not_after, hash, created_at, finished_at, reason
  FROM mailing WHERE $2 OR purpose <> 'notice' ORDER BY id DESC LIMIT $1;

-- name: mailing_count_states
SELECT state, count(*), sum(resends > 0) FROM outbox WHERE mailing = $1 GROUP BY state;

-- name: mailing_set_state
-- $3 lists the states that may become $2, with a comma around each.
UPDATE mailing SET state = $2, reason = NULL WHERE id = $1 AND instr($3, ',' || state || ',') > 0;

-- name: mailing_set_draft
-- A draft moves between the states that have no recipients, and to cancelled.
UPDATE mailing SET state = $2, reason = $4 WHERE id = $1 AND instr($3, ',' || state || ',') > 0;

-- name: mailing_unknown_ids
SELECT id FROM outbox
 WHERE mailing = $1 AND state = 'unknown' AND id > $2 AND id <= $3 ORDER BY id LIMIT $4;

-- name: mailing_failed_ids
-- By the rows themselves, as they were written, for failed ones have no index.
SELECT id FROM outbox
 WHERE +mailing = $1 AND state = 'failed' AND id > $2 AND id <= $3 ORDER BY id LIMIT $4;

-- name: mailing_span
SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM outbox WHERE mailing = $1;

-- name: mailing_requeue
-- Sent again with the same bytes: row, slots and date are what they were.
UPDATE outbox SET state = 'queued', next_at = 0, worker = NULL,
       resends = resends + (state = 'unknown')
 WHERE id = $1 AND state = $2;

-- name: mailing_resend_goes_on
-- It may have ended between two chunks.
UPDATE mailing SET state = CASE state WHEN 'sent' THEN 'queued' ELSE state END
 WHERE id = $1 AND state IN ('queued', 'sending', 'paused', 'held', 'sent');

-- name: mailing_drop_cancelled
-- Up to $3 rows of the cancelled mailing $1, or of all that are cancelled for 0; as they
-- were written, so that each bite is of few pages.
UPDATE outbox SET state = 'suppressed', done_at = $2, reply = 'the mailing was cancelled'
 WHERE id IN (SELECT due.id
                FROM mailing CROSS JOIN outbox due ON due.mailing = mailing.id
               WHERE mailing.state = 'cancelled' AND ($1 = 0 OR mailing.id = $1)
                 AND due.state IN ('queued', 'deferred')
               LIMIT $3);

-- name: mailing_rows
SELECT outbox.id, coalesce(outbox.member, 0), outbox.address, coalesce(variant.lang, ''),
       outbox.state, outbox.attempts, outbox.next_at, coalesce(outbox.done_at, 0),
       coalesce(outbox.code, 0), outbox.enhanced, outbox.reply, outbox.relay
  FROM outbox LEFT JOIN variant ON variant.id = outbox.variant
 WHERE outbox.mailing = $1 AND ($2 IS NULL OR outbox.state = $2)
 ORDER BY outbox.id;

-- name: mailing_scrub_wire
SELECT count(*) FROM outbox WHERE member = $1 AND state IN ('claimed', 'committing');

-- name: mailing_scrub_outbox
UPDATE outbox SET address = '', slots = '[]', reply = NULL,
       state = CASE WHEN state IN ('queued', 'deferred') THEN 'suppressed' ELSE state END
 WHERE member = $1;

-- name: mailing_scrub_attempts
UPDATE attempt SET text = NULL WHERE outbox IN (SELECT id FROM outbox WHERE member = $1);
