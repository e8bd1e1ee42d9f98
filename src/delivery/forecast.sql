-- name: forecast_used
-- What counts in a window from slot $3 on, the oldest first.
SELECT slot, n FROM relay_use WHERE relay = $1 AND window = $2 AND slot >= $3 ORDER BY slot;

-- name: forecast_held
SELECT coalesce(sum(held), 0) FROM worker WHERE relay = $1;

-- name: forecast_queued
-- What waits to go, by mailing; those put off stand for themselves.
SELECT mailing.id, mailing.priority, count(*),
       CASE WHEN due.state = 'deferred' THEN min(due.next_at) ELSE 0 END
  FROM mailing JOIN outbox due ON due.mailing = mailing.id
 WHERE mailing.state IN ('queued', 'sending')
   AND (mailing.not_after IS NULL OR mailing.not_after > $1)
   AND due.state IN ('queued', 'deferred')
 GROUP BY mailing.id, due.state = 'deferred'
 ORDER BY mailing.id;
