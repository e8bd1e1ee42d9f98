-- name: message_mailing
SELECT uid, lang, config, message_date, pieces
  FROM v_variant WHERE variant = $1 AND mailing = $2;

-- name: message_answer
-- Nothing if the invitation does not hold any more.
SELECT cancelled, coalesce((SELECT state FROM v_answer
                             WHERE v_answer.invitation = $1 AND recurrence_id = $2),
                           answer, 'none')
  FROM v_invitation_answer WHERE invitation = $1 AND state = 'invited';
