-- name: figures_next_due
SELECT coalesce(min((SELECT min(next_at) FROM outbox
                      WHERE outbox.mailing = mailing.id
                        AND outbox.state IN ('queued', 'deferred'))), 9223372036854775807)
  FROM mailing
 WHERE state IN ('queued', 'sending') AND (not_after IS NULL OR not_after > $1);

-- name: figures_under_way
SELECT count(*) FROM mailing WHERE state IN ('queued', 'sending');

-- name: figures_outbox
-- In one pass: to group a million rows by their state SQLite would sort them, in 80 MB.
WITH counted AS MATERIALIZED (
    SELECT sum(state = 'queued') AS queued, sum(state = 'claimed') AS claimed,
           sum(state = 'committing') AS committing, sum(state = 'sent') AS sent,
           sum(state = 'deferred') AS deferred, sum(state = 'failed') AS failed,
           sum(state = 'suppressed') AS suppressed, sum(state = 'unknown') AS unknown
      FROM outbox)
SELECT 'queued', coalesce(queued, 0) FROM counted
UNION ALL SELECT 'claimed', coalesce(claimed, 0) FROM counted
UNION ALL SELECT 'committing', coalesce(committing, 0) FROM counted
UNION ALL SELECT 'sent', coalesce(sent, 0) FROM counted
UNION ALL SELECT 'deferred', coalesce(deferred, 0) FROM counted
UNION ALL SELECT 'failed', coalesce(failed, 0) FROM counted
UNION ALL SELECT 'suppressed', coalesce(suppressed, 0) FROM counted
UNION ALL SELECT 'unknown', coalesce(unknown, 0) FROM counted;

-- name: figures_mailings
SELECT state, count(*) FROM mailing GROUP BY state;

-- name: figures_version
PRAGMA data_version;

-- name: figures_size
SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size();
