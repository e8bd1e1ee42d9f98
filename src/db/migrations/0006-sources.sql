-- Calendars of others that are polled. What they held stands in var/sources/.
-- Owner: room events.

-- One configured source, since its first poll.
CREATE TABLE source (
    name       TEXT PRIMARY KEY,          -- key under sources: in teataja.yaml
    polled_at  INTEGER NOT NULL,          -- when it was asked last
    ok_at      INTEGER,                   -- when it last gave a calendar, or said it is unchanged
    next_at    INTEGER NOT NULL,          -- when it is due
    failures   INTEGER NOT NULL DEFAULT 0, -- polls that failed since ok_at
    error      TEXT,                      -- what the last one said; NULL if it was right
    changed_at INTEGER,                   -- when something in it was last new, changed or gone
    url        TEXT NOT NULL              -- digest of the URL: another one is due at once
) STRICT, WITHOUT ROWID;

-- What others may read: for metrics and reports.
CREATE VIEW v_source AS
SELECT name, polled_at, ok_at, next_at, failures, error, changed_at FROM source;
