-- name: page_row
SELECT mailing, variant FROM v_letter WHERE outbox = $1;

-- name: page_variant
SELECT lang, pieces FROM v_variant WHERE variant = $1;

-- name: page_archived
SELECT mailing, uid, message_date FROM v_archived WHERE list = $1 ORDER BY message_date DESC LIMIT $2;

-- name: page_archived_one
SELECT mailing FROM v_archived WHERE list = $1 AND uid = $2;

-- name: page_editions
-- The fullest edition of each language of a mailing.
SELECT lang, variant FROM v_edition WHERE mailing = $1 ORDER BY items DESC, variant;

-- name: page_picture
SELECT type, data FROM v_mailing_part WHERE mailing = $1 AND name = $2;

-- name: page_pictures
SELECT name FROM v_mailing_part WHERE mailing = $1 AND type LIKE 'image/%' ORDER BY name;
