-- name: message_mailing
SELECT uid, lang, config, message_date, pieces
  FROM v_variant WHERE variant = $1 AND mailing = $2;

-- name: message_part
SELECT type, data FROM v_mailing_part WHERE mailing = $1 AND name = $2;
