-- name: figures_next_due
SELECT coalesce(min((SELECT min(next_at) FROM outbox
                      WHERE outbox.mailing = mailing.id
                        AND outbox.state IN ('queued', 'deferred'))), 9223372036854775807)
  FROM mailing
 WHERE state IN ('queued', 'sending') AND (not_after IS NULL OR not_after > $1);

-- name: figures_under_way
SELECT count(*) FROM mailing WHERE state IN ('queued', 'sending');

-- name: figures_outbox
-- Of one mailing, in the order of the states in figures.c. In one pass as the rows were written:
-- to group a million of them by their state SQLite would sort them, in 80 MB.
SELECT coalesce(sum(state = 'queued'), 0), coalesce(sum(state = 'deferred'), 0),
       coalesce(sum(state = 'claimed'), 0), coalesce(sum(state = 'committing'), 0),
       coalesce(sum(state = 'sent'), 0), coalesce(sum(state = 'failed'), 0),
       coalesce(sum(state = 'suppressed'), 0), coalesce(sum(state = 'unknown'), 0)
  FROM (SELECT min(id) AS first, max(id) AS last FROM outbox WHERE mailing = $1) AS span
 CROSS JOIN outbox ON outbox.id BETWEEN span.first AND span.last
 WHERE +outbox.mailing = $1;

-- name: figures_each
-- Each mailing, and whether what is over of it stays so until it says another time.
SELECT id, coalesce(finished_at, 0), state IN ('sent', 'cancelled') FROM mailing ORDER BY id;

-- name: figures_mailings
SELECT state, count(*) FROM mailing GROUP BY state;

-- name: figures_version
PRAGMA data_version;

-- name: figures_size
SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size();
