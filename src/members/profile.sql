-- name: profile_row
-- What the segment language sees: the organisation's region where the member has
-- none, kinds and sectors of both. Terms come joined by spaces, sorted.
SELECT m.id, m.uid, m.email, m.name, m.languages, m.tz,
       ifnull(m.region, o.region), o.name, m.epoch, m.delivery_state,
       (SELECT group_concat(term, ' ') FROM (
            SELECT term FROM member_term WHERE member = m.id AND vocabulary = 'kind'
            UNION SELECT o.kind WHERE o.kind IS NOT NULL ORDER BY 1)),
       (SELECT group_concat(term, ' ') FROM (
            SELECT term FROM member_term WHERE member = m.id AND vocabulary = 'sector'
            UNION SELECT term FROM organisation_sector WHERE organisation = m.organisation
            ORDER BY 1)),
       (SELECT group_concat(term, ' ') FROM (
            SELECT term FROM member_term WHERE member = m.id AND vocabulary = 'tag' ORDER BY 1))
  FROM member m LEFT JOIN organisation o ON o.id = m.organisation
 WHERE m.id = $1 AND m.erased_at IS NULL;
