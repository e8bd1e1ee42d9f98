-- Drafts that wait for people: what they would be, and who said what of them.
-- Owner: room compose. Instants are microseconds UTC.

-- A mailing that began as a draft.
CREATE TABLE approval (
    mailing    INTEGER PRIMARY KEY REFERENCES mailing(id), -- the same id for its whole life
    newsletter TEXT NOT NULL,           -- slug; '' if it has none
    occurrence TEXT NOT NULL,           -- which of several letters of one name: see plan.h
    again      INTEGER NOT NULL,        -- invitations: also to those who are invited
    due_at     INTEGER,                 -- when it is to go out; NULL: once it is approved
    needed     INTEGER NOT NULL,        -- how many approvals
    revision   INTEGER NOT NULL,        -- of the newest snapshot: 1, 2, ...
    valid_from INTEGER NOT NULL,        -- approvals of earlier rows of the trail are void
    reason     TEXT NOT NULL DEFAULT '' -- why it waits anew
) STRICT;

-- What it would be, as shown to whoever approves it. The newest and the one before are kept.
CREATE TABLE approval_snapshot (
    mailing    INTEGER NOT NULL REFERENCES approval(mailing), -- of which draft
    revision   INTEGER NOT NULL,        -- 1, 2, ...
    made_at    INTEGER NOT NULL,        -- when it was taken
    date       INTEGER NOT NULL,        -- what its dates and deadlines are reckoned from
    not_after  INTEGER,                 -- the first deadline shown
    digest     TEXT NOT NULL,           -- of all of it; never the same twice
    recipients INTEGER NOT NULL,        -- how many
    audience   TEXT NOT NULL,           -- the segment, as text
    rule       TEXT NOT NULL,           -- who sends and how it is chosen, a line each
    warnings   TEXT NOT NULL DEFAULT '', -- what may be wrong with it, a line each
    PRIMARY KEY (mailing, revision)
) STRICT, WITHOUT ROWID;

-- One version of it.
CREATE TABLE approval_edition (
    id         INTEGER PRIMARY KEY,
    mailing    INTEGER NOT NULL,        -- of which draft
    revision   INTEGER NOT NULL,        -- of which snapshot
    lang       TEXT NOT NULL,           -- its language
    key        TEXT NOT NULL,           -- of the items chosen
    recipients INTEGER NOT NULL,        -- how many get it
    digest     TEXT NOT NULL,           -- of the frozen pieces
    words      TEXT NOT NULL,           -- digest of subject and text alone
    subject    TEXT NOT NULL,           -- for people
    html       TEXT,                    -- as a browser shows it; NULL: the snapshot was too large
    text       TEXT,                    -- likewise
    UNIQUE (mailing, revision, lang, key),
    FOREIGN KEY (mailing, revision) REFERENCES approval_snapshot(mailing, revision)
) STRICT;

-- What a version tells.
CREATE TABLE approval_item (
    edition  INTEGER NOT NULL REFERENCES approval_edition(id), -- which version
    place    INTEGER NOT NULL,          -- 0, 1, ... in the letter
    block    TEXT NOT NULL,             -- calls, still_open, events, news, deadlines
    slug     TEXT NOT NULL,             -- its file
    title    TEXT NOT NULL,             -- as shown
    note     TEXT NOT NULL,             -- new, moved, ...; '' if none
    revision TEXT NOT NULL,             -- digest of its facts and texts in all languages
    PRIMARY KEY (edition, place)
) STRICT, WITHOUT ROWID;

-- Who did what with it; rows are only added.
CREATE TABLE approval_trail (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of what was done
    mailing  INTEGER NOT NULL REFERENCES approval(mailing), -- with which draft
    at       INTEGER NOT NULL,          -- when
    who      TEXT NOT NULL,             -- name or address; '' for the program
    address  TEXT NOT NULL,             -- '' if not known
    person   TEXT NOT NULL,             -- folded: two rows of one person have the same
    how      TEXT NOT NULL,             -- cli, web, schedule
    what     TEXT NOT NULL              -- see compose/approval.h
             CHECK (what IN ('drafted', 'approved', 'rejected', 'noted', 'voided', 'released',
                             'cancelled')),
    remark   TEXT NOT NULL,             -- reason, note, what changed
    revision INTEGER NOT NULL,          -- of the draft then
    digest   TEXT NOT NULL              -- of that revision
) STRICT;
CREATE INDEX approval_trail_by_mailing ON approval_trail(mailing, id);
