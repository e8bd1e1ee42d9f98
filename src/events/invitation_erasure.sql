-- name: invitation_erasure_address
UPDATE invitation SET address = '' WHERE member = $1;

-- name: invitation_erasure_answer
UPDATE answer SET comment = NULL
 WHERE invitation IN (SELECT id FROM invitation WHERE member = $1);

-- name: invitation_erasure_log
UPDATE answer_log SET comment = NULL
 WHERE invitation IN (SELECT id FROM invitation WHERE member = $1);
