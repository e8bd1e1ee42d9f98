-- name: letter_replaced
SELECT 1 FROM v_replaced WHERE mailing = $1 AND member = $2;

-- name: letter_sent
-- The mailing of an issue, if there is one that goes or went to its members.
SELECT id FROM v_mailing WHERE subject = $1 AND purpose = 'letter'
   AND state <> 'cancelled' AND NOT draft ORDER BY id DESC LIMIT 1;
