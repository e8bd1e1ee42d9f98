-- name: sync_digest
SELECT digest FROM members_sync WHERE name = 'regions';

-- name: sync_set_digest
INSERT INTO members_sync (name, digest) VALUES ('regions', $1)
    ON CONFLICT (name) DO UPDATE SET digest = excluded.digest;

-- name: sync_regions
SELECT code,
       (SELECT count(*) FROM member m WHERE m.region = region.code)
       + (SELECT count(*) FROM organisation o WHERE o.region = region.code)
  FROM region ORDER BY code;

-- name: sync_add_region
-- The parent may come later in the file: the reference is checked at commit.
INSERT INTO region (code, parent) VALUES ($1, $2)
    ON CONFLICT (code) DO UPDATE SET parent = excluded.parent;

-- name: sync_clear_names
DELETE FROM region_name;

-- name: sync_clear_groups
DELETE FROM region_member;

-- name: sync_add_name
INSERT INTO region_name (code, lang, name, fold) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING;

-- name: sync_add_group
INSERT INTO region_member (grp, code) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: sync_move_members
UPDATE member SET region = $2, changed_at = $3 WHERE region = $1;

-- name: sync_move_organisations
UPDATE organisation SET region = $2 WHERE region = $1;

-- name: sync_drop_region
DELETE FROM region WHERE code = $1;

-- name: sync_lists
SELECT slug, id, (SELECT count(*) FROM subscription WHERE list = list.id) FROM list ORDER BY slug;

-- name: sync_add_list
INSERT INTO list (slug) VALUES ($1);

-- name: list_id
SELECT id FROM list WHERE slug = $1;
