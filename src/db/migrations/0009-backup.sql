-- What a backup carries besides the tables.
-- Owner: room db.

-- One row in a backup; none in the database of a site.
CREATE TABLE backup (
    made_at   INTEGER NOT NULL,         -- microseconds UTC
    program   TEXT,                     -- version of teataja that made it
    site      TEXT,                     -- name of the site
    token_key TEXT                      -- what signs links, hexadecimal; NULL if kept elsewhere
) STRICT;
