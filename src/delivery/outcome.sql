-- name: outcome_begin
UPDATE outbox SET state = 'committing', committing_at = $3
 WHERE id = $1 AND worker = $2 AND state = 'claimed';

-- name: outcome_sent
UPDATE outbox SET state = 'sent', worker = NULL, relay = $3, done_at = $4, attempts = attempts + 1,
       code = $5, enhanced = $6, reply = $7
 WHERE id = $1 AND worker = $2 AND state = 'committing';

-- name: outcome_settled
-- Deferred, failed, suppressed or unknown: $3, with the answer that says why.
UPDATE outbox SET state = $3, worker = NULL, relay = $4, done_at = $5, attempts = attempts + 1,
       code = $6, enhanced = $7, reply = $8, next_at = $9
 WHERE id = $1 AND worker = $2 AND state IN ('claimed', 'committing');

-- name: outcome_attempt
INSERT INTO attempt (outbox, n, at, relay, stage, code, enhanced, text)
VALUES ($1, (SELECT coalesce(max(n), 0) + 1 FROM attempt WHERE outbox = $1), $2, $3, $4, $5, $6, $7);

-- name: outcome_first_attempt
SELECT coalesce(min(at), $2) FROM attempt WHERE outbox = $1 AND stage <> 'recovery';
