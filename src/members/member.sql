-- name: member_row
-- All of a member but the attributes, in one row: terms joined by spaces, sorted.
SELECT m.id, m.uid, m.external_id, m.email, m.email_key, m.name, m.languages, m.tz, m.region,
       m.organisation, o.name, m.delivery_state, m.delivery_reason, m.soft_score, m.epoch,
       m.joined_at, m.changed_at, m.erased_at,
       (SELECT group_concat(term, ' ') FROM (SELECT term FROM member_term
         WHERE member = m.id AND vocabulary = 'kind' ORDER BY term)),
       (SELECT group_concat(term, ' ') FROM (SELECT term FROM member_term
         WHERE member = m.id AND vocabulary = 'sector' ORDER BY term)),
       (SELECT group_concat(term, ' ') FROM (SELECT term FROM member_term
         WHERE member = m.id AND vocabulary = 'tag' ORDER BY term))
  FROM member m LEFT JOIN organisation o ON o.id = m.organisation
 WHERE m.id = $1;

-- name: member_attrs
SELECT key, text FROM member_attr WHERE member = $1 ORDER BY key;

-- name: member_id_by_id
SELECT id FROM member WHERE id = $1;

-- name: member_id_by_external
SELECT id FROM member WHERE external_id = $1;

-- name: member_id_by_uid
SELECT id FROM member WHERE uid = $1;

-- name: member_id_by_key
SELECT id FROM member WHERE email_key = $1;

-- name: member_id_by_earlier
-- Only if one member alone had the address.
SELECT min(member) FROM member_address WHERE email_key = $1
 GROUP BY email_key HAVING count(DISTINCT member) = 1;

-- name: member_insert
INSERT INTO member (uid, external_id, email, email_key, name, name_fold, languages, tz, region,
                    organisation, delivery_state, delivery_reason, joined_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: member_update
UPDATE member
   SET external_id = $2, name = $3, name_fold = $4, languages = $5, tz = $6, region = $7,
       organisation = $8, joined_at = $9, changed_at = $10
 WHERE id = $1;

-- name: member_touch
UPDATE member SET changed_at = $2 WHERE id = $1;

-- name: member_clear_terms
DELETE FROM member_term WHERE member = $1 AND vocabulary = $2;

-- name: member_add_terms
-- Up to four at once, for an import writes them by the hundred thousand.
INSERT INTO member_term (member, vocabulary, term)
SELECT $1, column1, column2
  FROM (VALUES ($2, $3), ($4, $5), ($6, $7), ($8, $9)) WHERE column2 IS NOT NULL;

-- name: member_attr_text
SELECT text FROM member_attr WHERE member = $1 AND key = $2;

-- name: member_set_attr
INSERT INTO member_attr (member, key, text, fold, num) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (member, key) DO UPDATE
   SET text = excluded.text, fold = excluded.fold, num = excluded.num;

-- name: member_drop_attr
DELETE FROM member_attr WHERE member = $1 AND key = $2;

-- name: member_keep_address
-- The address that is about to be replaced.
INSERT INTO member_address (member, email_key, until_at)
SELECT id, email_key, $2 FROM member WHERE id = $1
    ON CONFLICT DO UPDATE SET until_at = excluded.until_at;

-- name: member_drop_address
-- One that is in use again is no earlier one.
DELETE FROM member_address WHERE member = $1 AND email_key = $2;

-- name: member_set_address
UPDATE member
   SET email = $2, email_key = $3, delivery_state = $4, delivery_reason = $5, soft_score = 0,
       changed_at = $6
 WHERE id = $1;

-- name: member_set_delivery
UPDATE member SET delivery_state = $2, delivery_reason = $3, soft_score = $4
 WHERE id = $1 AND erased_at IS NULL;

-- name: member_raise_epoch
UPDATE member SET epoch = epoch + 1 WHERE id = $1;

-- name: member_count
SELECT count(*) FROM member WHERE erased_at IS NULL;
