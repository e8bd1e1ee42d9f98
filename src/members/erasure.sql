-- name: erasure_keys
SELECT email_key FROM v_member_address WHERE member = $1;

-- name: erasure_member
SELECT uid, erased_at FROM member WHERE id = $1;

-- name: erasure_scrub_member
UPDATE member
   SET external_id = NULL, email = NULL, email_key = NULL, name = NULL, name_fold = NULL,
       languages = '', tz = NULL, region = NULL, organisation = NULL, delivery_state = 'erased',
       delivery_reason = NULL, soft_score = 0, epoch = epoch + 1, changed_at = $2, erased_at = $2
 WHERE id = $1;

-- name: erasure_drop_addresses
DELETE FROM member_address WHERE member = $1;

-- name: erasure_drop_terms
DELETE FROM member_term WHERE member = $1;

-- name: erasure_drop_attrs
DELETE FROM member_attr WHERE member = $1;

-- name: erasure_drop_subscriptions
DELETE FROM subscription WHERE member = $1;

-- name: erasure_scrub_consent
-- Staff write into source what they like: a name, a meeting with three guests.
UPDATE consent SET source = NULL WHERE member = $1;

-- name: erasure_id_by_uid
SELECT id FROM member WHERE uid = $1 AND erased_at IS NULL;
