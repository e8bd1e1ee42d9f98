-- name: tally_totals
SELECT count(DISTINCT mailing), count(*), count(*) FILTER (WHERE state = 'sent'),
       count(*) FILTER (WHERE state IN ('queued', 'claimed', 'committing', 'deferred')),
       count(*) FILTER (WHERE state = 'suppressed'), count(*) FILTER (WHERE state = 'unknown'),
       count(DISTINCT CASE WHEN state = 'sent' THEN member END)
  FROM v_outcome
 WHERE ($1 = 0 OR mailing = $1) AND at >= $2 AND at < $3;

-- name: tally_organisations
SELECT count(DISTINCT v_member.organisation)
  FROM v_outcome JOIN v_member ON v_member.id = v_outcome.member
 WHERE ($1 = 0 OR mailing = $1) AND at >= $2 AND at < $3 AND state = 'sent';

-- name: tally_failed
SELECT coalesce(code, 0), enhanced, reply FROM v_outcome
 WHERE ($1 = 0 OR mailing = $1) AND at >= $2 AND at < $3 AND state = 'failed';

-- name: tally_left_mailing
-- $2 microseconds after the letter, leaving is no longer an answer to it.
SELECT count(DISTINCT v_leaving.member)
  FROM v_outcome
  JOIN v_leaving ON v_leaving.member = v_outcome.member AND v_leaving.list = v_outcome.list
 WHERE mailing = $1 AND state = 'sent'
   AND v_leaving.at >= v_outcome.at AND v_leaving.at < v_outcome.at + $2;

-- name: tally_left_period
SELECT count(*) FROM v_leaving WHERE at >= $1 AND at < $2;

-- name: tally_by_mailing
SELECT mailing, max(subject), count(*), count(*) FILTER (WHERE state = 'sent'),
       count(DISTINCT CASE WHEN state = 'sent' THEN member END)
  FROM v_outcome
 WHERE ($1 = 0 OR mailing = $1) AND at >= $2 AND at < $3
 GROUP BY mailing ORDER BY max(message_date), mailing;

-- name: tally_by_language
SELECT coalesce(lang, ''), NULL, count(*), count(*) FILTER (WHERE state = 'sent'),
       count(DISTINCT CASE WHEN state = 'sent' THEN member END)
  FROM v_outcome
 WHERE ($1 = 0 OR mailing = $1) AND at >= $2 AND at < $3
 GROUP BY 1 ORDER BY 4 DESC, 1;

-- name: tally_by_group
SELECT term, NULL, count(*), count(*) FILTER (WHERE state = 'sent'),
       count(DISTINCT CASE WHEN state = 'sent' THEN v_outcome.member END)
  FROM v_outcome JOIN v_member_group ON v_member_group.member = v_outcome.member
 WHERE ($1 = 0 OR mailing = $1) AND at >= $2 AND at < $3 AND grouping = $4
 GROUP BY 1 ORDER BY 4 DESC, 1;
