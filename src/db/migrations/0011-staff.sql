-- What the staff was told by mail. Owner: room compose. Instants are microseconds UTC.

-- What is known to the staff of one thing: what is not here, or is in another state now, is told.
CREATE TABLE staff_told (
    key     TEXT PRIMARY KEY,           -- relays/main, sources/partner, mailings/7, runs/14, schedule, left
    state   TEXT NOT NULL,              -- as it was told: down, up, held, sent, a digest; '': nothing is
    since   INTEGER NOT NULL,           -- when that began
    told_at INTEGER NOT NULL            -- when it was told, or seen to need no telling
) STRICT, WITHOUT ROWID;

-- At most one mail an hour about a subject.
CREATE TABLE staff_subject (
    subject TEXT PRIMARY KEY,           -- relays/main, sources, mailings/7, newsletters/funding
    n       INTEGER NOT NULL,           -- mails so far: the next one's number makes it one of its kind
    told_at INTEGER NOT NULL            -- when the last one was made
) STRICT, WITHOUT ROWID;

-- Since when anybody looks: what ended before is not news.
CREATE TABLE staff_look (
    one   INTEGER PRIMARY KEY CHECK (one = 1), -- there is one row
    since INTEGER NOT NULL              -- when the first look was
) STRICT;
