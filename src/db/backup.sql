-- name: backup_copy
-- One read transaction: writers go on meanwhile.
VACUUM INTO $1;

-- name: backup_forget
DELETE FROM backup;

-- name: backup_note
INSERT INTO backup (made_at, program, site, token_key) VALUES ($1, $2, $3, $4);

-- name: backup_read
SELECT made_at, program, site, token_key FROM backup;
