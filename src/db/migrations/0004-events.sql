-- Events, invitations and answers. Owner: room events.

-- An event that was invited to; its UID stays for ever.
CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    slug     TEXT NOT NULL UNIQUE,      -- file in events/
    list     TEXT,                      -- slug of the list whose members may be invited; NULL if none
    uid      TEXT NOT NULL UNIQUE,      -- UID of RFC 5545 section 3.8.4.7
    sequence INTEGER NOT NULL DEFAULT 0, -- rises with time, recurrence, status or place
    status   TEXT NOT NULL DEFAULT 'CONFIRMED', -- CONFIRMED or CANCELLED
    capacity INTEGER,                   -- seats; NULL is no limit
    digest   TEXT NOT NULL              -- of the facts that raise the sequence
) STRICT;

-- The calendar object of each sequence as it was sent.
CREATE TABLE event_revision (
    event    INTEGER NOT NULL REFERENCES event(id), -- which event
    sequence INTEGER NOT NULL,          -- its SEQUENCE
    dtstamp  INTEGER NOT NULL,          -- its DTSTAMP
    ical     TEXT NOT NULL,             -- the VCALENDAR without attendee
    PRIMARY KEY (event, sequence)
) STRICT, WITHOUT ROWID;

-- One invited member.
CREATE TABLE invitation (
    id        INTEGER PRIMARY KEY,
    event     INTEGER NOT NULL REFERENCES event(id), -- to what
    member    INTEGER REFERENCES member(id), -- who
    address   TEXT NOT NULL,            -- ATTENDEE as sent; '' once the member is erased
    organizer TEXT NOT NULL,            -- ORGANIZER as sent; clients match by it, so it never changes
    sequence  INTEGER NOT NULL,         -- last SEQUENCE sent
    dtstamp   INTEGER NOT NULL,         -- last DTSTAMP sent
    state     TEXT NOT NULL DEFAULT 'invited' CHECK (state IN ('invited', 'cancelled')), -- whether it holds
    UNIQUE (event, member)
) STRICT;
CREATE INDEX invitation_by_member ON invitation(member);

-- The answer that counts, one a member and occurrence.
CREATE TABLE answer (
    invitation    INTEGER NOT NULL REFERENCES invitation(id), -- whose
    recurrence_id TEXT NOT NULL DEFAULT '', -- occurrence; '' is the whole event
    state         TEXT NOT NULL CHECK (state IN ('yes', 'no', 'maybe', 'waiting')), -- what was answered
    guests        INTEGER NOT NULL DEFAULT 0, -- who comes along
    comment       TEXT,                 -- in the member's words
    via           TEXT NOT NULL,        -- staff, mail, web
    at            INTEGER NOT NULL,     -- when
    PRIMARY KEY (invitation, recurrence_id)
) STRICT, WITHOUT ROWID;

-- Every answer ever given; rows are only added.
CREATE TABLE answer_log (
    id            INTEGER PRIMARY KEY,
    invitation    INTEGER NOT NULL REFERENCES invitation(id), -- whose
    recurrence_id TEXT NOT NULL,        -- occurrence; '' is the whole event
    state         TEXT NOT NULL,        -- what was answered
    guests        INTEGER NOT NULL,     -- who comes along
    comment       TEXT,                 -- in the member's words
    via           TEXT NOT NULL,        -- staff, mail, web
    by            TEXT,                 -- who entered it
    at            INTEGER NOT NULL      -- when
) STRICT;
CREATE INDEX answer_log_by_invitation ON answer_log(invitation);

-- What the segment language's invited() and rsvp() read. In a series the answer to
-- the whole counts, else the best answer to any of its occurrences.
CREATE VIEW v_invitation AS
SELECT invitation.member, event.slug,
       coalesce(answer.state,
                (SELECT one.state FROM answer AS one WHERE one.invitation = invitation.id
                  ORDER BY CASE one.state WHEN 'yes' THEN 0 WHEN 'waiting' THEN 1
                                          WHEN 'maybe' THEN 2 ELSE 3 END
                  LIMIT 1),
                'none') AS answer
  FROM invitation
  JOIN event ON event.id = invitation.event
  LEFT JOIN answer ON answer.invitation = invitation.id AND answer.recurrence_id = ''
 WHERE invitation.member IS NOT NULL AND invitation.state = 'invited';

-- An invitation by its id, with the answer to the whole event: for its page, and for letters
-- about the event.
CREATE VIEW v_invitation_answer AS
SELECT invitation.id AS invitation, invitation.member, event.slug, invitation.state,
       answer.state AS answer, coalesce(answer.guests, 0) AS guests, answer.comment,
       invitation.dtstamp AS invited_at, event.status = 'CANCELLED' AS cancelled
  FROM invitation
  JOIN event ON event.id = invitation.event
  LEFT JOIN answer ON answer.invitation = invitation.id AND answer.recurrence_id = '';

-- Answers, also those to one occurrence.
CREATE VIEW v_answer AS SELECT invitation, recurrence_id, state FROM answer;
