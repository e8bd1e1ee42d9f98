-- name: mailing_draft_list
SELECT id, uid FROM mailing WHERE state = 'expanding' ORDER BY id;

-- name: mailing_draft_reopen
-- Its id, uid, dedupe and when it was made stay.
UPDATE mailing SET state = 'expanding', back = state, list = $2, priority = $3, config = $4,
       audience = $5, message_date = $6
 WHERE id = $1 AND state IN ('waiting', 'approved');

-- name: mailing_draft_ready
UPDATE mailing SET state = 'queued', back = NULL, reason = NULL, hash = $2, not_after = $3
 WHERE id = $1 AND state = 'expanding';

-- name: mailing_draft_forget_queued
-- By uid, for an id may be used again once its mailing is gone; in bites of $2 rows, as
-- they were written: in the order of the other index each would lie on a page of its own.
DELETE FROM outbox
 WHERE id IN (SELECT outbox.id FROM mailing JOIN outbox ON outbox.mailing = mailing.id
               WHERE mailing.uid = $1 AND mailing.state = 'expanding'
                 AND outbox.state IN ('queued', 'deferred')
               ORDER BY outbox.next_at, outbox.id LIMIT $2);

-- name: mailing_draft_forget_outbox
-- Those that became something else, for a member was erased meanwhile.
DELETE FROM outbox
 WHERE id IN (SELECT outbox.id FROM mailing JOIN outbox ON outbox.mailing = mailing.id
               WHERE mailing.uid = $1 AND mailing.state = 'expanding' LIMIT $2);

-- name: mailing_draft_forget_items
DELETE FROM variant_item
 WHERE (variant, item, round) IN
       (SELECT variant_item.variant, variant_item.item, variant_item.round
          FROM mailing JOIN variant ON variant.mailing = mailing.id
          JOIN variant_item ON variant_item.variant = variant.id
         WHERE mailing.uid = $1 AND mailing.state = 'expanding' LIMIT $2);

-- name: mailing_draft_forget_variants
DELETE FROM variant
 WHERE id IN (SELECT variant.id FROM mailing JOIN variant ON variant.mailing = mailing.id
               WHERE mailing.uid = $1 AND mailing.state = 'expanding' LIMIT $2);

-- name: mailing_draft_forget_parts
DELETE FROM mailing_part
 WHERE (mailing, name) IN
       (SELECT mailing_part.mailing, mailing_part.name
          FROM mailing JOIN mailing_part ON mailing_part.mailing = mailing.id
         WHERE mailing.uid = $1 AND mailing.state = 'expanding' LIMIT $2);

-- name: mailing_draft_return
-- One that was proposed is a draft again. $2 is not needed; every step is called alike.
UPDATE mailing SET state = back, back = NULL
 WHERE uid = $1 AND state = 'expanding' AND back IS NOT NULL AND $2 > 0;

-- name: mailing_draft_forget
DELETE FROM mailing WHERE uid = $1 AND state = 'expanding' AND $2 > 0;
