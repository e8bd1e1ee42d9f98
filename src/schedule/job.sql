-- name: job_mailing
SELECT id FROM v_mailing
 WHERE subject = $2 AND purpose = $1 AND NOT draft ORDER BY id DESC LIMIT 1;
