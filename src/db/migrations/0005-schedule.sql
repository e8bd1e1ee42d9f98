-- What happens by the calendar. Owner: room schedule. Instants are microseconds UTC.

-- A newsletter's schedule as it was last seen: what lies before `since` was not missed.
CREATE TABLE schedule_job (
    name  TEXT PRIMARY KEY,             -- newsletters/funding
    rule  TEXT NOT NULL,                -- rule, start and zone; another one begins anew
    since INTEGER NOT NULL              -- when it was first seen so
) STRICT, WITHOUT ROWID;

-- An occurrence of a job: whoever inserts it first does it, and nobody does it again.
CREATE TABLE schedule_run (
    id         INTEGER PRIMARY KEY,
    job        TEXT NOT NULL,           -- newsletters/funding, issues/2026-12, events/forum
    local      TEXT NOT NULL,           -- local time as the rule has it
    kind       TEXT NOT NULL,           -- newsletter, issue, invitation, reminder, thanks
    zone       TEXT NOT NULL,           -- of `local`
    due_at     INTEGER NOT NULL,        -- its instant
    target     TEXT NOT NULL DEFAULT '', -- what is sent; chosen when it first runs
    state      TEXT NOT NULL            -- see schedule.h
               CHECK (state IN ('due', 'running', 'done', 'skipped', 'failed')),
    reason     TEXT NOT NULL DEFAULT '', -- why skipped or failed, or what the last attempt said
    cause      TEXT NOT NULL DEFAULT '' -- why skipped, for others; '': they need not know
               CHECK (cause IN ('', 'late', 'empty')), -- empty: no issue was ready
    attempts   INTEGER NOT NULL DEFAULT 0, -- times it was begun
    next_at    INTEGER NOT NULL DEFAULT 0, -- not before
    done_at    INTEGER,                 -- when it was done, skipped or given up
    mailing    INTEGER,                 -- the mailing it made
    recipients INTEGER,                 -- rows of it
    UNIQUE (job, local)
) STRICT;
CREATE INDEX schedule_run_open ON schedule_run(next_at) WHERE state IN ('due', 'running');

-- The clocks at the last tick: a wall clock that jumps holds everything.
CREATE TABLE schedule_clock (
    one        INTEGER PRIMARY KEY CHECK (one = 1), -- there is one row
    boot       TEXT NOT NULL,           -- boot id
    wall       INTEGER NOT NULL,        -- wall clock
    uptime     INTEGER NOT NULL,        -- microseconds since boot, suspend counted
    held_since INTEGER,                 -- NULL: not held
    reason     TEXT                     -- why it is held
) STRICT;

-- What was planned and came or did not, for others.
CREATE VIEW v_schedule_run AS
SELECT id, job, kind, local, zone, due_at, target, state, cause, reason, attempts, next_at, done_at,
       mailing
  FROM schedule_run;

CREATE VIEW v_schedule_hold AS
SELECT held_since, reason FROM schedule_clock WHERE held_since IS NOT NULL;
