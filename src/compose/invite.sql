-- name: invite_had
-- The mail counts, not the invitation's row: an invitation whose mail was never
-- made, because the program stopped between the two, is made again.
SELECT 1 FROM v_recipient
 WHERE member = $1 AND subject = $2 AND purpose = 'invitation'
   AND state NOT IN ('failed', 'suppressed') LIMIT 1;

-- name: invite_count
-- Numbers the mailings of an event: two invitations at once get the same number, and
-- one of them loses. One that is still made does not count, or a dead one would; nor does one
-- that waits for people, which is found again by its number.
SELECT count(*) FROM v_mailing WHERE subject = $1 AND purpose = 'invitation' AND NOT draft;
