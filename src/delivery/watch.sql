-- name: watch_add
INSERT INTO mailing_watch (mailing, answered, failed) VALUES ($1, $2, $3)
ON CONFLICT (mailing) DO UPDATE
   SET answered = answered + excluded.answered, failed = failed + excluded.failed;

-- name: watch_get
SELECT answered, failed FROM mailing_watch WHERE mailing = $1;

-- name: watch_forget
-- Whoever resumes a halted mailing has decided: it is counted anew.
DELETE FROM mailing_watch WHERE mailing = $1;

-- name: watch_halt
UPDATE mailing SET state = 'held', reason = $2, finished_at = NULL
 WHERE id = $1 AND state IN ('queued', 'sending');
