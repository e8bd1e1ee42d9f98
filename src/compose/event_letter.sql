-- name: event_letter_answer
-- The invitation of member $1 to event $2, with the answer to occurrence $3, else to the
-- whole; whether the answer is yes to any of its occurrences.
SELECT invited.invitation, invited.invited_at,
       coalesce((SELECT state FROM v_answer
                  WHERE invitation = invited.invitation AND recurrence_id = $3),
                invited.answer, 'none'),
       EXISTS (SELECT 1 FROM v_answer WHERE invitation = invited.invitation AND state = 'yes')
  FROM v_invitation_answer AS invited
 WHERE invited.member = $1 AND invited.slug = $2 AND invited.state = 'invited';
