-- name: snapshot_add
INSERT INTO approval_snapshot (mailing, revision, made_at, date, not_after, digest, recipients,
                               audience, rule, warnings)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: snapshot_add_edition
INSERT INTO approval_edition (mailing, revision, lang, key, recipients, digest, words, subject,
                              html, text)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: snapshot_add_item
INSERT INTO approval_item (edition, place, block, slug, title, note, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: snapshot_forget_items
DELETE FROM approval_item
 WHERE edition IN (SELECT id FROM approval_edition WHERE mailing = $1 AND revision < $2);

-- name: snapshot_forget_editions
DELETE FROM approval_edition WHERE mailing = $1 AND revision < $2;

-- name: snapshot_forget
DELETE FROM approval_snapshot WHERE mailing = $1 AND revision < $2;

-- name: snapshot_get
SELECT date, coalesce(not_after, 0), recipients, audience, rule FROM approval_snapshot
 WHERE mailing = $1 AND revision = $2;
