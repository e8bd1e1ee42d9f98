-- name: selection_had
-- What a member was told, oldest first, by slug: which revision does not matter.
SELECT item.kind, item.slug, had.round
  FROM v_had had
  JOIN v_item_revision item ON item.id = had.item
 WHERE had.member = $1
 ORDER BY had.mailing;
