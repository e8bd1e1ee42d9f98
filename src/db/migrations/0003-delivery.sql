-- Mailings and the outbox: the one table of truth for a send.
-- A CHECK with OR, not IN: IN makes SQLite build a table of the values at each write.
-- Owner: room delivery. Instants are integer microseconds UTC.

-- One act of sending: a letter, an invitation, later others. Frozen: what is
-- written in the site afterwards does not change it.
CREATE TABLE mailing (
    id           INTEGER PRIMARY KEY,
    uid          TEXT NOT NULL UNIQUE,  -- random, part of Message-IDs
    purpose      TEXT NOT NULL,         -- letter, invitation, notice (to the staff), test
    subject      TEXT NOT NULL,         -- issue or event it comes from, such as issues/2026-12
    list         INTEGER REFERENCES list(id), -- leaving leaves this one
    dedupe       TEXT NOT NULL UNIQUE,  -- one mailing of one issue, whoever starts it
    state        TEXT NOT NULL          -- where it is
                 CHECK (state = 'waiting' OR state = 'approved' OR state = 'rejected' OR
                        state = 'expanding' OR state = 'queued' OR state = 'sending' OR
                        state = 'paused' OR state = 'held' OR state = 'sent' OR state = 'cancelled'),
    back         TEXT,                  -- expanding: the state it has again if its maker dies; NULL: it goes
    on_unknown   TEXT NOT NULL DEFAULT 'resend' CHECK (on_unknown IN ('resend', 'hold')), -- what recovery does with unknown rows
    priority     INTEGER NOT NULL,      -- smaller goes first: 1 cancellations, 2 answers, 3 reminders, 4 letters
    config       TEXT NOT NULL,         -- JSON: sender, headers, theme as frozen
    audience     TEXT NOT NULL,         -- the segment, as text
    message_date INTEGER NOT NULL,      -- Date of every message
    not_after    INTEGER,               -- no attempt past it: the first deadline shown
    hash         TEXT NOT NULL,         -- digest of what was frozen
    created_at   INTEGER NOT NULL,      -- when send was asked for
    finished_at  INTEGER,               -- when nothing was left to do
    reason       TEXT                   -- held: why, if it was halted; rejected: why
) STRICT;

CREATE INDEX mailing_active ON mailing(priority, id) WHERE state IN ('queued', 'sending');

-- One rendering that many recipients share: same edition, same selection.
CREATE TABLE variant (
    id        INTEGER PRIMARY KEY,
    mailing   INTEGER NOT NULL REFERENCES mailing(id), -- of which mailing
    lang      TEXT NOT NULL,            -- language of the edition
    selection TEXT NOT NULL,            -- key of the items chosen
    pieces    BLOB NOT NULL,            -- encoded pieces and slots, as compose writes them
    UNIQUE (mailing, lang, selection),
    UNIQUE (mailing, id)                -- what the outbox refers to
) STRICT;

-- What a variant tells: items with the round they are about.
CREATE TABLE variant_item (
    variant INTEGER NOT NULL REFERENCES variant(id), -- which variant
    item    INTEGER NOT NULL REFERENCES item(id),    -- which item
    round   TEXT NOT NULL DEFAULT '',   -- which round or state of it: see compose/selection
    PRIMARY KEY (variant, item, round)
) STRICT, WITHOUT ROWID;

-- Parts that all variants share: logos, the calendar of an event.
CREATE TABLE mailing_part (
    mailing INTEGER NOT NULL REFERENCES mailing(id), -- of which mailing
    name    TEXT NOT NULL,              -- content id or role
    type    TEXT NOT NULL,              -- media type
    data    BLOB NOT NULL,              -- bytes
    PRIMARY KEY (mailing, name)
) STRICT, WITHOUT ROWID;

-- One row a recipient.
CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY,
    mailing       INTEGER NOT NULL REFERENCES mailing(id), -- of which mailing
    dedupe        TEXT NOT NULL,        -- the member, or a standing mailing's own key
    member        INTEGER REFERENCES member(id), -- NULL for a test address or a guest
    address       TEXT NOT NULL,        -- envelope recipient; '' once erased
    variant       INTEGER,              -- what is sent
    slots         TEXT NOT NULL DEFAULT '[]', -- JSON: this member's values
    priority      INTEGER NOT NULL,     -- the mailing's
    state         TEXT NOT NULL DEFAULT 'queued' -- see decision 1
                  CHECK (state = 'queued' OR state = 'claimed' OR state = 'committing' OR state = 'sent' OR
                         state = 'deferred' OR state = 'failed' OR state = 'suppressed' OR state = 'unknown'),
    attempts      INTEGER NOT NULL DEFAULT 0, -- that reached an answer
    next_at       INTEGER NOT NULL DEFAULT 0, -- not before
    worker        INTEGER,              -- worker.id: who holds the claim
    relay         TEXT,                 -- which relay answered
    committing_at INTEGER,              -- when the final dot was about to go out
    done_at       INTEGER,              -- when the outcome was known
    code          INTEGER,              -- SMTP reply code
    enhanced      TEXT,                 -- enhanced status code (RFC 3463)
    reply         TEXT,                 -- the reply's text
    resends       INTEGER NOT NULL DEFAULT 0, -- times it was sent again from unknown
    UNIQUE (mailing, dedupe),
    -- With the mailing, so that removing a variant looks at its mailing's rows only.
    FOREIGN KEY (mailing, variant) REFERENCES variant(mailing, id)
) STRICT;
-- Partial: an index over all rows would grow the WAL 3.5 times as fast.
-- By mailing, so that a paused one costs the claims of others nothing.
CREATE INDEX outbox_due ON outbox(mailing, next_at, id) WHERE state IN ('queued', 'deferred');
-- Doubts are few; looking through a million rows for them would hold the write lock for half a second.
CREATE INDEX outbox_unknown ON outbox(mailing, id) WHERE state = 'unknown';
-- None over `worker`: it would be a second page to write for each message, and only
-- recovery asks for it, which may read the rows of the mailings that are under way.
CREATE INDEX outbox_by_member ON outbox(member, mailing) WHERE member IS NOT NULL;

-- Each answer of a relay about a row that was not "sent", and each recovery.
CREATE TABLE attempt (
    outbox   INTEGER NOT NULL REFERENCES outbox(id), -- which row
    n        INTEGER NOT NULL,          -- 1, 2, ...
    at       INTEGER NOT NULL,          -- when
    relay    TEXT NOT NULL,             -- who answered
    stage    TEXT NOT NULL,             -- mail, rcpt, data, dot, connection, recovery
    code     INTEGER,                   -- SMTP reply code
    enhanced TEXT,                      -- enhanced status code
    text     TEXT,                      -- the reply, or what happened
    PRIMARY KEY (outbox, n)
) STRICT, WITHOUT ROWID;

-- A delivering process; alive while it holds its lock file.
CREATE TABLE worker (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: its lock file is named by it
    boot    TEXT NOT NULL,              -- the machine's boot id when it started
    pid     INTEGER NOT NULL,           -- for people; the lock file decides
    started INTEGER NOT NULL,           -- when
    relay   TEXT NOT NULL DEFAULT '',   -- which relay it delivers to
    held    INTEGER NOT NULL DEFAULT 0  -- rows that it has claimed and not settled, of a relay with limits
) STRICT;

-- A relay that would not go on.
CREATE TABLE relay_state (
    relay        TEXT PRIMARY KEY,      -- its name in teataja.yaml
    failures     INTEGER NOT NULL,      -- runs in a row that it took nothing in
    parked_until INTEGER NOT NULL,      -- not used before
    reason       TEXT NOT NULL,         -- what it said last
    since        INTEGER NOT NULL       -- when it failed first
) STRICT, WITHOUT ROWID;

-- The limits of a relay, as teataja.yaml had them when a worker began.
CREATE TABLE relay_limit (
    relay  TEXT NOT NULL,               -- its name
    window INTEGER NOT NULL,            -- microseconds
    most   INTEGER NOT NULL,            -- messages in any such window, less what is reserved
    PRIMARY KEY (relay, window)
) STRICT, WITHOUT ROWID;

-- Messages that a relay with limits answered for, by slot: the 240th part of a window.
CREATE TABLE relay_use (
    relay  TEXT NOT NULL,               -- its name
    window INTEGER NOT NULL,            -- of which limit
    slot   INTEGER NOT NULL,            -- instant of the answer, divided by the length of a slot
    n      INTEGER NOT NULL,            -- how many
    PRIMARY KEY (relay, window, slot)
) STRICT, WITHOUT ROWID;

-- A recipient domain that answers "later".
CREATE TABLE domain_state (
    domain       TEXT PRIMARY KEY,      -- lower case
    failures     INTEGER NOT NULL,      -- such answers in a row
    paused_until INTEGER NOT NULL,      -- nothing of it is tried before
    changed_at   INTEGER NOT NULL       -- when the last one came
) STRICT, WITHOUT ROWID;

-- What the relays said of a mailing since it was made or last halted, to halt it.
CREATE TABLE mailing_watch (
    mailing  INTEGER PRIMARY KEY REFERENCES mailing(id), -- of which mailing
    answered INTEGER NOT NULL,          -- rows that are sent or failed for good
    failed   INTEGER NOT NULL,          -- of them
    halts    INTEGER NOT NULL           -- times that it was halted
) STRICT;

-- What a member has had: rows that went out or may have. Failed ones do not count.
CREATE VIEW v_had AS
SELECT outbox.member, variant_item.item, variant_item.round, outbox.mailing, mailing.subject,
       mailing.purpose, outbox.state, outbox.done_at
  FROM outbox
  JOIN mailing ON mailing.id = outbox.mailing
  JOIN variant_item ON variant_item.variant = outbox.variant
 WHERE outbox.member IS NOT NULL AND mailing.purpose <> 'test'
   AND outbox.state NOT IN ('failed', 'suppressed');

-- Who did not get a letter because a deadline in it was over, and gets another.
CREATE VIEW v_replaced AS
SELECT mailing, member FROM outbox
 WHERE state = 'suppressed' AND reply = 'composed anew: a deadline that it shows is over';

-- Who was sent what, for the segment language's received().
CREATE VIEW v_received AS
SELECT outbox.member, mailing.subject, outbox.state
  FROM outbox JOIN mailing ON mailing.id = outbox.mailing
 WHERE outbox.member IS NOT NULL AND mailing.purpose <> 'test'
   AND outbox.state IN ('sent', 'unknown');

-- What composes messages reads: a variant with what its mailing froze.
CREATE VIEW v_variant AS
SELECT variant.id AS variant, variant.mailing, mailing.uid, variant.lang, mailing.config,
       mailing.message_date, variant.pieces
  FROM variant JOIN mailing ON mailing.id = variant.mailing;

CREATE VIEW v_mailing_part AS
SELECT mailing, name, type, data FROM mailing_part;

-- What was sent or is being sent, and how that stands.
CREATE VIEW v_mailing AS
SELECT mailing.id, mailing.purpose, mailing.subject, mailing.state, mailing.reason,
       mailing.created_at, mailing.finished_at, list.slug AS list,
       mailing.state IN ('expanding', 'waiting', 'approved', 'rejected') AS draft
  FROM mailing LEFT JOIN list ON list.id = mailing.list;

-- Who is to get what, in any state.
CREATE VIEW v_recipient AS
SELECT outbox.member, mailing.id AS mailing, mailing.subject, mailing.purpose, outbox.state
  FROM outbox JOIN mailing ON mailing.id = outbox.mailing
 WHERE outbox.member IS NOT NULL;

-- Which mailing and variant a row is about: for the page of a letter in a browser.
CREATE VIEW v_letter AS
SELECT id AS outbox, mailing, variant FROM outbox WHERE variant IS NOT NULL;

-- Letters that went out to a list, for its archive. Of one that was composed anew (dedupe
-- '...:anew-7', see delivery/overdue.h) the first, unless nobody got it.
CREATE VIEW v_archived AS
SELECT mailing.id AS mailing, mailing.uid, list.slug AS list, mailing.message_date
  FROM mailing JOIN list ON list.id = mailing.list
 WHERE mailing.purpose = 'letter' AND mailing.state IN ('sending', 'sent')
   AND NOT (instr(mailing.dedupe, ':anew-') > 0
            AND EXISTS (SELECT 1 FROM outbox
                         WHERE outbox.mailing = CAST(substr(mailing.dedupe,
                                                            instr(mailing.dedupe, ':anew-') + 6) AS INTEGER)
                           AND outbox.state = 'sent'))
   AND NOT (EXISTS (SELECT 1 FROM mailing AS anew
                     WHERE anew.dedupe = 'letter:' || mailing.subject || ':anew-' || mailing.id
                       AND anew.state IN ('sending', 'sent'))
            AND NOT EXISTS (SELECT 1 FROM outbox
                             WHERE outbox.mailing = mailing.id AND outbox.state = 'sent'));

-- The renderings of a mailing, and how much each tells.
CREATE VIEW v_edition AS
SELECT variant.mailing, variant.id AS variant, variant.lang,
       (SELECT count(*) FROM variant_item WHERE variant_item.variant = variant.id) AS items
  FROM variant;

-- Relays that would not go on, for who watches.
CREATE VIEW v_relay_state AS
SELECT relay, failures, parked_until, reason, since FROM relay_state;

-- What became of each recipient, for reports.
CREATE VIEW v_outcome AS
SELECT outbox.mailing, mailing.purpose, mailing.subject, mailing.list, mailing.message_date,
       outbox.member, variant.lang, outbox.state, outbox.code, outbox.enhanced, outbox.reply,
       coalesce(outbox.done_at, mailing.created_at) AS at
  FROM outbox
  JOIN mailing ON mailing.id = outbox.mailing
  LEFT JOIN variant ON variant.mailing = outbox.mailing AND variant.id = outbox.variant
 WHERE mailing.purpose NOT IN ('test', 'notice');
