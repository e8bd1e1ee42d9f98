-- name: watch_add
INSERT INTO mailing_watch (mailing, answered, failed, halts) VALUES ($1, $2, $3, 0)
ON CONFLICT (mailing) DO UPDATE
   SET answered = answered + excluded.answered, failed = failed + excluded.failed;

-- name: watch_get
SELECT answered, failed, halts FROM mailing_watch WHERE mailing = $1;

-- name: watch_anew
-- Whoever resumes a halted mailing has decided: it is counted anew, and may lose more.
UPDATE mailing_watch SET answered = 0, failed = 0, halts = halts + 1 WHERE mailing = $1;

-- name: watch_halt
UPDATE mailing SET state = 'held', reason = $2, finished_at = NULL
 WHERE id = $1 AND state IN ('queued', 'sending');
