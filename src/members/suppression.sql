-- name: suppression_find
SELECT reason FROM suppression WHERE email_hash = $1 AND lifted_at IS NULL;

-- name: suppression_insert
-- One that was lifted holds anew; one that holds keeps its first reason.
INSERT INTO suppression (email_hash, reason, evidence, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (email_hash) DO UPDATE
   SET reason = excluded.reason, evidence = excluded.evidence, at = excluded.at, lifted_at = NULL
 WHERE lifted_at IS NOT NULL;

-- name: suppression_lift
UPDATE suppression SET lifted_at = $2 WHERE email_hash = $1 AND lifted_at IS NULL;

-- name: suppression_mark_member
UPDATE member SET delivery_state = $2, delivery_reason = $3, soft_score = 0
 WHERE email_key = $1 AND erased_at IS NULL;

-- name: suppression_member_key
SELECT email_key FROM member WHERE id = $1 AND erased_at IS NULL;
