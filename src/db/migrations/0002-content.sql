-- Content items: calls, news and issues as they stood when they were sent.
-- Owner: room content.

-- A content file in one revision; a changed file makes a new row.
CREATE TABLE item (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('call', 'news', 'issue', 'event')), -- folder it stands in
    slug     TEXT NOT NULL,             -- file name without language and ending
    revision INTEGER NOT NULL,          -- 1, 2, ... for each changed digest
    digest   TEXT NOT NULL,             -- of the facts that make it a new thing to tell
    seen_at  INTEGER NOT NULL,          -- first seen in this revision
    data     TEXT NOT NULL,             -- the facts as JSON: rounds, deadline, status
    UNIQUE (kind, slug, revision)
) STRICT;

-- What others may read: the newest revision of each item.
CREATE VIEW v_item AS
SELECT id, kind, slug, revision, digest, data FROM item
 WHERE revision = (SELECT max(revision) FROM item newer
                    WHERE newer.kind = item.kind AND newer.slug = item.slug);

-- Every revision of each item: what was told of an earlier one counts for all.
CREATE VIEW v_item_revision AS
SELECT id, kind, slug, revision, digest, seen_at FROM item;
