-- name: organisation_by_code
SELECT id FROM organisation WHERE registry_code = $1;

-- name: organisation_by_name
-- With a code ($2), only one that has none: of two codes, two organisations.
SELECT id FROM organisation
 WHERE name_fold = $1 AND ($2 IS NULL OR registry_code IS NULL)
 ORDER BY id LIMIT 1;

-- name: organisation_insert
INSERT INTO organisation (name, name_fold, registry_code) VALUES ($1, $2, $3);

-- name: organisation_update
-- Sets what is given, clears what is '', leaves what is NULL.
UPDATE organisation
   SET name = coalesce($2, name), name_fold = coalesce($3, name_fold),
       registry_code = coalesce($4, registry_code),
       kind = nullif(coalesce($5, kind), ''), region = nullif(coalesce($6, region), ''),
       web = nullif(coalesce($7, web), '')
 WHERE id = $1
   AND (name IS NOT coalesce($2, name) OR registry_code IS NOT coalesce($4, registry_code)
        OR kind IS NOT nullif(coalesce($5, kind), '')
        OR region IS NOT nullif(coalesce($6, region), '')
        OR web IS NOT nullif(coalesce($7, web), ''));

-- name: organisation_clear_sectors
DELETE FROM organisation_sector WHERE organisation = $1;

-- name: organisation_add_sector
INSERT INTO organisation_sector (organisation, term) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: organisation_sectors
SELECT group_concat(term, ' ') FROM (SELECT term FROM organisation_sector
 WHERE organisation = $1 ORDER BY term);
