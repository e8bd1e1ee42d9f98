-- name: message_mailing
SELECT uid, lang, config, message_date, pieces
  FROM v_variant WHERE variant = $1 AND mailing = $2;
