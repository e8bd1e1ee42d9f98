-- name: figures_next_due
SELECT coalesce(min((SELECT min(next_at) FROM outbox
                      WHERE outbox.mailing = mailing.id
                        AND outbox.state IN ('queued', 'deferred'))), 9223372036854775807)
  FROM mailing
 WHERE state IN ('queued', 'sending') AND (not_after IS NULL OR not_after > $1);

-- name: figures_under_way
SELECT count(*) FROM mailing WHERE state IN ('queued', 'sending');

-- name: figures_outbox
SELECT state, count(*) FROM outbox GROUP BY state;

-- name: figures_mailings
SELECT state, count(*) FROM mailing GROUP BY state;

-- name: figures_version
PRAGMA data_version;

-- name: figures_size
SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size();
