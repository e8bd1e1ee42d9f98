-- name: web_wait
-- A page says "in a minute" rather than wait as long as a verb does.
PRAGMA busy_timeout = 2000;

-- name: web_list
-- The list of a leave link, by the member's own row.
SELECT list_slug FROM v_subscription WHERE member = $1 AND list = $2;

-- name: web_invitation
SELECT member, slug, state, answer, guests, comment
  FROM v_invitation_answer WHERE invitation = $1;
