-- name: staff_since
SELECT since FROM staff_look;

-- name: staff_begin
INSERT INTO staff_look (one, since) VALUES (1, $1) ON CONFLICT (one) DO NOTHING;

-- name: staff_tell
INSERT INTO staff_told (key, state, since, told_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (key) DO UPDATE
   SET state = excluded.state, since = excluded.since, told_at = excluded.told_at;

-- name: staff_told
SELECT state, since FROM staff_told WHERE key = $1;

-- name: staff_unseen
UPDATE staff_told SET state = '' WHERE key = $1;

-- name: staff_subject
SELECT n, told_at FROM staff_subject WHERE subject = $1;

-- name: staff_subject_told
INSERT INTO staff_subject (subject, n, told_at) VALUES ($1, 1, $2)
ON CONFLICT (subject) DO UPDATE SET n = n + 1, told_at = excluded.told_at;

-- name: staff_drafts
-- That wait or were rejected, and were not told as they are now.
SELECT approval.mailing, mailing.state || ':' || snapshot.digest
  FROM approval
  JOIN v_mailing AS mailing ON mailing.id = approval.mailing
  JOIN approval_snapshot AS snapshot
    ON snapshot.mailing = approval.mailing AND snapshot.revision = approval.revision
 WHERE mailing.state IN ('waiting', 'rejected')
   AND NOT EXISTS (SELECT 1 FROM staff_told
                    WHERE key = 'drafts/' || approval.mailing
                      AND staff_told.state = mailing.state || ':' || snapshot.digest)
 ORDER BY approval.mailing;

-- name: staff_mailings
-- Finished since $1, or held, and not told so.
SELECT id, state, coalesce(reason, ''), created_at, coalesce(finished_at, 0), subject,
       coalesce(list, '')
  FROM v_mailing
 WHERE purpose NOT IN ('test', 'notice')
   AND ((state = 'sent' AND finished_at > $1) OR state = 'held')
   AND NOT EXISTS (SELECT 1 FROM staff_told
                    WHERE key = 'mailings/' || v_mailing.id AND staff_told.state = v_mailing.state)
 ORDER BY id;

-- name: staff_went_on
-- Told as held, and going on now: the next time it is held is news.
SELECT key FROM staff_told
 WHERE key >= 'mailings/' AND key < 'mailings0' AND state = 'held'
   AND NOT EXISTS (SELECT 1 FROM v_mailing
                    WHERE id = CAST(substr(key, 10) AS INTEGER) AND v_mailing.state = 'held');

-- name: staff_relays
-- Down since $1 or longer; 'mute' are those that nobody could be told of.
SELECT relay, reason, since, parked_until FROM v_relay_state
 WHERE since <= $1
   AND NOT EXISTS (SELECT 1 FROM staff_told WHERE key = 'relays/' || relay AND state IN ('down', $2))
 ORDER BY relay;

-- name: staff_relays_parked
SELECT relay FROM v_relay_state ORDER BY relay;

-- name: staff_relays_back
SELECT substr(key, 8), since FROM staff_told
 WHERE key >= 'relays/' AND key < 'relays0' AND state IN ('down', 'mute')
   AND substr(key, 8) NOT IN (SELECT relay FROM v_relay_state)
 ORDER BY key;

-- name: staff_sources
SELECT name, coalesce(error, ''), coalesce(ok_at, 0), polled_at, next_at FROM v_source
 WHERE failures >= $1
   AND NOT EXISTS (SELECT 1 FROM staff_told WHERE key = 'sources/' || name AND state = 'down')
 ORDER BY name;

-- name: staff_sources_back
SELECT name, since FROM v_source JOIN staff_told ON key = 'sources/' || name
 WHERE failures = 0 AND state = 'down'
 ORDER BY name;

-- name: staff_hold
SELECT held_since, coalesce(reason, '') FROM v_schedule_hold
 WHERE NOT EXISTS (SELECT 1 FROM staff_told
                    WHERE key = 'schedule' AND state = 'held' AND since = held_since);

-- name: staff_runs
-- Failed, came too late, or found nothing ready, since $1.
SELECT id, job, target, state, cause, reason, due_at FROM v_schedule_run
 WHERE done_at > $1
   AND (state = 'failed' OR cause <> '')
   AND NOT EXISTS (SELECT 1 FROM staff_told WHERE key = 'runs/' || v_schedule_run.id)
 ORDER BY due_at, id;
