-- name: item_newest
-- The newest revision of an item, with what was recorded of it.
SELECT id, revision, digest, data, seen_at
  FROM item
 WHERE kind = $1 AND slug = $2
 ORDER BY revision DESC
 LIMIT 1;

-- name: item_add
INSERT INTO item (kind, slug, revision, digest, seen_at, data)
VALUES ($1, $2, $3, $4, $5, $6);
