-- name: profile_row
-- What the segment language sees: the organisation's region where the member has none,
-- kinds and sectors of both; one row and no sorting, for it is asked once a recipient.
-- Terms come as "vocabulary=term", joined by spaces.
SELECT m.id, m.uid, m.email, m.name, m.languages, m.tz,
       ifnull(m.region, o.region), o.name, m.epoch, m.delivery_state,
       (SELECT group_concat(vocabulary || '=' || term, ' ') FROM member_term WHERE member = m.id),
       o.kind,
       (SELECT group_concat(term, ' ') FROM organisation_sector
         WHERE organisation = m.organisation),
       EXISTS (SELECT 1 FROM member_attr WHERE member = m.id)
  FROM member m LEFT JOIN organisation o ON o.id = m.organisation
 WHERE m.id = $1 AND m.erased_at IS NULL;
