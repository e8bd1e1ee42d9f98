-- name: event_by_slug
-- What clients know an event by.
SELECT id, uid, sequence, digest, status, capacity, list,
       EXISTS (SELECT 1 FROM invitation WHERE invitation.event = event.id) AS invited
  FROM event WHERE slug = $1;

-- name: event_add
-- The UID is made once and stays for ever.
INSERT INTO event (slug, list, uid, status, capacity, digest) VALUES ($1, $2, $3, $4, $5, $6);

-- name: event_update
-- SEQUENCE rises only once somebody holds an invitation that it could outdate.
UPDATE event SET list = $2, status = $3, capacity = $4, digest = $5, sequence = sequence + $6
 WHERE id = $1;

-- name: event_revision_add
-- The first calendar of a sequence is the one that went out.
INSERT INTO event_revision (event, sequence, dtstamp, ical) VALUES ($1, $2, $3, $4)
    ON CONFLICT (event, sequence) DO NOTHING;

-- name: invitation_add
-- Who is invited already keeps the organizer of the first time: clients match an
-- update by it.
INSERT INTO invitation (event, member, address, organizer, sequence, dtstamp)
VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (event, member) DO NOTHING;

-- name: invitation_revive
UPDATE invitation SET state = 'invited' WHERE event = $1 AND member = $2 AND state = 'cancelled';

-- name: invitation_by_member
SELECT id, event, member, address, organizer, sequence, dtstamp, state = 'cancelled'
  FROM invitation WHERE event = $1 AND member = $2;

-- name: invitation_by_slug
SELECT invitation.id, invitation.event, invitation.member, invitation.address,
       invitation.organizer, invitation.sequence, invitation.dtstamp,
       invitation.state = 'cancelled'
  FROM invitation JOIN event ON event.id = invitation.event
 WHERE event.slug = $1 AND invitation.member = $2;

-- name: invitation_sent
UPDATE invitation SET address = $2, sequence = $3, dtstamp = $4 WHERE id = $1;

-- name: invitation_scrub_address
UPDATE invitation SET address = '' WHERE member = $1;

-- name: invitation_scrub_answers
UPDATE answer SET comment = NULL
 WHERE comment IS NOT NULL AND invitation IN (SELECT id FROM invitation WHERE member = $1);

-- name: invitation_scrub_log
UPDATE answer_log SET comment = NULL
 WHERE comment IS NOT NULL AND invitation IN (SELECT id FROM invitation WHERE member = $1);
