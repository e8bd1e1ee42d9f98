-- name: answer_member
SELECT id FROM v_member WHERE email_key = $1;

-- name: answer_get
SELECT state FROM answer WHERE invitation = $1 AND recurrence_id = $2;

-- name: answer_seats
-- Seats taken for occurrence $2 of event $1 by others than invitation $3. For the
-- whole of a series ($2 is '') it is the fullest of its occurrences that counts.
-- Who answered to an occurrence does not count with the answer to the whole there.
SELECT max((SELECT coalesce(sum(1 + answer.guests), 0)
              FROM invitation
              JOIN answer ON answer.invitation = invitation.id
               AND answer.recurrence_id =
                   CASE WHEN EXISTS (SELECT 1 FROM answer AS own
                                      WHERE own.invitation = invitation.id
                                        AND own.recurrence_id = wanted.recurrence_id)
                        THEN wanted.recurrence_id ELSE '' END
             WHERE invitation.event = $1 AND invitation.state = 'invited'
               AND answer.state = 'yes' AND invitation.id <> $3))
  FROM (SELECT $2 AS recurrence_id
        UNION
        SELECT answer.recurrence_id
          FROM answer JOIN invitation ON invitation.id = answer.invitation
         WHERE invitation.event = $1 AND $2 = '') AS wanted;

-- name: answer_put
INSERT INTO answer (invitation, recurrence_id, state, guests, comment, via, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (invitation, recurrence_id) DO UPDATE
   SET state = excluded.state, guests = excluded.guests, comment = excluded.comment,
       via = excluded.via, at = excluded.at;

-- name: answer_log_add
INSERT INTO answer_log (invitation, recurrence_id, state, guests, comment, via, by, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: attendee_list
-- Everybody invited, with the answer to occurrence $2, else to the whole.
SELECT invitation.id, invitation.member, v_member.name,
       coalesce(v_member.email, invitation.address), answer.state, coalesce(answer.guests, 0),
       answer.comment, answer.via, coalesce(answer.at, 0)
  FROM invitation
  JOIN event ON event.id = invitation.event
  LEFT JOIN v_member ON v_member.id = invitation.member
  LEFT JOIN answer ON answer.invitation = invitation.id
   AND answer.recurrence_id =
       CASE WHEN EXISTS (SELECT 1 FROM answer AS own
                          WHERE own.invitation = invitation.id AND own.recurrence_id = $2)
            THEN $2 ELSE '' END
 WHERE event.slug = $1 AND invitation.state = 'invited'
 ORDER BY CASE answer.state WHEN 'yes' THEN 0 WHEN 'waiting' THEN 1 WHEN 'maybe' THEN 2
                            WHEN 'no' THEN 3 ELSE 4 END,
          coalesce(v_member.name, v_member.email, invitation.address) COLLATE NOCASE,
          invitation.id;
