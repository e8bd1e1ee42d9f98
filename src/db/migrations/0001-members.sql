-- Members, their organisations, lists, subscriptions and consent.
-- Owner: room members. Instants are integer microseconds UTC. Checks say OR, not IN:
-- SQLite builds a table of a list of more than two values at every insert.

-- What the site's files said when these tables were last brought in step with them.
CREATE TABLE members_sync (
    name   TEXT PRIMARY KEY,            -- regions
    digest TEXT NOT NULL                -- of what was read
) STRICT, WITHOUT ROWID;

-- Regions of regions.yaml, kept in step with the file at start.
CREATE TABLE region (
    code   TEXT PRIMARY KEY,            -- NUTS, LAU/EHAK or a group's slug, as in regions.yaml
    parent TEXT REFERENCES region(code) DEFERRABLE INITIALLY DEFERRED -- the region around it
) STRICT;
CREATE INDEX region_by_parent ON region(parent);

-- A group such as south-baltic: regions that belong together without being a parent.
CREATE TABLE region_member (
    grp  TEXT NOT NULL REFERENCES region(code) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- the group
    code TEXT NOT NULL REFERENCES region(code) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- a region in it
    PRIMARY KEY (grp, code)
) STRICT, WITHOUT ROWID;

-- What a region is called, for matching what people write.
CREATE TABLE region_name (
    code TEXT NOT NULL REFERENCES region(code) ON DELETE CASCADE, -- the region
    lang TEXT NOT NULL,                 -- language of the name; 'alias' for other spellings
    fold TEXT NOT NULL,                 -- folded, for comparison
    name TEXT NOT NULL,                 -- as written; behind the key, or the integrity check of
                                        -- SQLite 3.40 takes it for NULL
    PRIMARY KEY (code, lang, fold)
) STRICT, WITHOUT ROWID;
CREATE INDEX region_name_by_fold ON region_name(fold);

-- An organisation that several members may share.
CREATE TABLE organisation (
    id            INTEGER PRIMARY KEY,
    registry_code TEXT UNIQUE,          -- code in its country's business register
    name          TEXT NOT NULL,        -- as written
    name_fold     TEXT NOT NULL,        -- folded, for comparison
    kind          TEXT,                 -- one of the kinds of applicants
    region        TEXT REFERENCES region(code), -- where it sits
    web           TEXT                  -- its address on the web
) STRICT;
CREATE INDEX organisation_by_name ON organisation(name_fold);

-- What an organisation does: several sectors each.
CREATE TABLE organisation_sector (
    organisation INTEGER NOT NULL REFERENCES organisation(id) ON DELETE CASCADE, -- whose
    term         TEXT NOT NULL,         -- a slug
    PRIMARY KEY (organisation, term)
) STRICT, WITHOUT ROWID;

-- A person who gets mail.
CREATE TABLE member (
    id             INTEGER PRIMARY KEY, -- what logs and tokens name
    uid            TEXT NOT NULL UNIQUE, -- random, stays for ever, for exports
    external_id    TEXT UNIQUE,         -- the office's own id, for re-imports
    email          TEXT,                -- the address; NULL once erased
    email_key      TEXT UNIQUE,         -- folded address; NULL once erased
    name           TEXT,                -- as the member writes it
    name_fold      TEXT,                -- folded, for comparison
    languages      TEXT NOT NULL DEFAULT '', -- in order of preference, joined by spaces
    tz             TEXT,                -- IANA zone; NULL is the site's
    region         TEXT REFERENCES region(code), -- where the member is at home
    organisation   INTEGER REFERENCES organisation(id), -- whom the member works for
    delivery_state TEXT NOT NULL DEFAULT 'active' -- of the address
                   CHECK (delivery_state = 'active' OR delivery_state = 'bouncing'
                          OR delivery_state = 'suppressed' OR delivery_state = 'erased'),
    delivery_reason TEXT,               -- why it is not active
    soft_score     INTEGER NOT NULL DEFAULT 0, -- soft bounces that count
    epoch          INTEGER NOT NULL DEFAULT 1, -- raised to revoke all signed links
    joined_at      INTEGER NOT NULL,    -- first seen
    changed_at     INTEGER NOT NULL,    -- last change of any field
    erased_at      INTEGER              -- personal data was removed then
) STRICT;
CREATE INDEX member_by_region ON member(region);
CREATE INDEX member_by_organisation ON member(organisation);

-- Addresses a member had before the present one: answers from them still count as theirs.
CREATE TABLE member_address (
    member    INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE, -- whose
    email_key TEXT NOT NULL,            -- folded address
    until_at  INTEGER NOT NULL,         -- in use until
    PRIMARY KEY (member, email_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_address_by_key ON member_address(email_key);

-- Kinds, sectors and tags: several values a member.
CREATE TABLE member_term (
    member     INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE, -- whose
    vocabulary TEXT NOT NULL            -- which field
               CHECK (vocabulary = 'kind' OR vocabulary = 'sector' OR vocabulary = 'tag'),
    term       TEXT NOT NULL,           -- a slug
    PRIMARY KEY (member, vocabulary, term)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_term_by_term ON member_term(vocabulary, term, member);

-- Free attributes, typed in the configuration.
CREATE TABLE member_attr (
    member INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE, -- whose
    key    TEXT NOT NULL,               -- attribute's name
    text   TEXT NOT NULL,               -- value as written
    fold   TEXT NOT NULL,               -- folded, for comparison
    num    REAL,                        -- value of an int; days since 1970 of a date
    PRIMARY KEY (member, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_attr_by_value ON member_attr(key, fold, member);

-- A list that one subscribes to; declared in teataja.yaml, numbered here.
CREATE TABLE list (
    id   INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE           -- as in teataja.yaml
) STRICT;

-- Who is on which list.
CREATE TABLE subscription (
    member INTEGER NOT NULL REFERENCES member(id) ON DELETE CASCADE, -- who
    list   INTEGER NOT NULL REFERENCES list(id), -- which list
    state  TEXT NOT NULL                -- only active ones get mail
           CHECK (state = 'pending' OR state = 'unconfirmed' OR state = 'active'
                  OR state = 'left'),
    basis  TEXT NOT NULL                -- GDPR article 6
           CHECK (basis = 'consent' OR basis = 'membership' OR basis = 'public_task'
                  OR basis = 'legitimate_interest'),
    since  INTEGER NOT NULL,            -- in this state since
    PRIMARY KEY (member, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_by_list ON subscription(list, state, member);

-- Wordings that people agreed to.
CREATE TABLE wording (
    id   INTEGER PRIMARY KEY,
    lang TEXT NOT NULL,                 -- its language
    text TEXT NOT NULL,                 -- the words
    UNIQUE (lang, text)
) STRICT;

-- What was agreed to or withdrawn; rows are only ever added.
CREATE TABLE consent (
    id      INTEGER PRIMARY KEY,
    member  INTEGER NOT NULL REFERENCES member(id), -- who
    list    INTEGER NOT NULL REFERENCES list(id),   -- to what
    act     TEXT NOT NULL               -- what was done
            CHECK (act = 'imported' OR act = 'asked' OR act = 'given' OR act = 'confirmed'
                   OR act = 'left'),
    at      INTEGER NOT NULL,           -- when
    how     TEXT,                       -- form, paper, import, mail, phone, web
    source  TEXT,                       -- which file, page or meeting
    wording INTEGER REFERENCES wording(id) -- what was shown
) STRICT;
CREATE INDEX consent_by_member ON consent(member, list);

-- Why people left, in so far as they said. Nothing leads back to the member: it is there
-- to learn from, and there is nothing of it to erase.
CREATE TABLE leave_reason (
    id     INTEGER PRIMARY KEY,
    list   INTEGER NOT NULL REFERENCES list(id), -- which list was left
    day    INTEGER NOT NULL,            -- when: the start of the day, UTC
    reason TEXT NOT NULL DEFAULT ''     -- which of those on the page; '' if none was chosen
           CHECK (reason = '' OR reason = 'too_many' OR reason = 'not_useful'
                  OR reason = 'not_asked' OR reason = 'moved_on' OR reason = 'other'),
    text   TEXT                         -- in the reader's own words
) STRICT;

-- Addresses that get nothing more. A keyed hash, so that it outlives an erasure.
CREATE TABLE suppression (
    email_hash TEXT PRIMARY KEY,        -- keyed hash of the folded address
    reason     TEXT NOT NULL,           -- hard, complaint, request, manual
    evidence   TEXT,                    -- the reply or report, without personal data
    at         INTEGER NOT NULL,        -- since
    lifted_at  INTEGER                  -- NULL while it holds
) STRICT, WITHOUT ROWID;

-- What other rooms may read of members.
CREATE VIEW v_member AS
SELECT id, uid, email, email_key, name, languages, tz, region, organisation, epoch,
       delivery_state, joined_at
  FROM member WHERE erased_at IS NULL;

-- Every address that leads to a member: the present one and earlier ones.
CREATE VIEW v_member_address AS
SELECT id AS member, email_key, 1 AS present
  FROM member WHERE erased_at IS NULL AND email_key IS NOT NULL
UNION ALL
SELECT member, email_key, 0 FROM member_address;

-- A region and every region that it lies in, by parent or by group.
CREATE VIEW v_region_within AS
WITH RECURSIVE up(code, within) AS (
    SELECT code, code FROM region
    UNION
    SELECT up.code, region.parent FROM up JOIN region ON region.code = up.within
     WHERE region.parent IS NOT NULL
    UNION
    SELECT up.code, region_member.grp FROM up JOIN region_member ON region_member.code = up.within
)
SELECT code, within FROM up;

-- Who may get mail of a list: the first rule of every mailing. Named by the column that
-- an index orders, so that they come by member without being sorted.
CREATE VIEW v_list_recipient AS
SELECT subscription.list, list.slug AS list_slug, subscription.member
  FROM subscription
  JOIN list ON list.id = subscription.list
  JOIN member ON member.id = subscription.member
 WHERE subscription.state = 'active' AND member.erased_at IS NULL
   AND member.delivery_state <> 'suppressed' AND member.email IS NOT NULL;

-- Every subscription, for saying why somebody gets nothing.
CREATE VIEW v_subscription AS
SELECT subscription.member, list.id AS list, list.slug AS list_slug, subscription.state,
       subscription.basis, subscription.since
  FROM subscription JOIN list ON list.id = subscription.list;

-- What a member is counted under: kind and sectors, own or of the organisation, and the
-- region, own or else the organisation's.
CREATE VIEW v_member_group AS
SELECT member, vocabulary AS grouping, term FROM member_term WHERE vocabulary IN ('kind', 'sector')
UNION
SELECT member.id, 'kind', organisation.kind
  FROM member JOIN organisation ON organisation.id = member.organisation
 WHERE organisation.kind IS NOT NULL
UNION
SELECT member.id, 'sector', organisation_sector.term
  FROM member JOIN organisation_sector ON organisation_sector.organisation = member.organisation
UNION
SELECT member.id, 'region', coalesce(member.region, organisation.region)
  FROM member LEFT JOIN organisation ON organisation.id = member.organisation
 WHERE coalesce(member.region, organisation.region) IS NOT NULL;

-- Who left which list, and when.
CREATE VIEW v_leaving AS
SELECT member, list, at FROM consent WHERE act = 'left';
