-- name: import_find
-- The member by external id ($1) and the one by address ($2), and the external
-- id that the latter has.
SELECT (SELECT id FROM member WHERE external_id = $1),
       (SELECT id FROM member WHERE email_key = $2),
       (SELECT external_id FROM member WHERE email_key = $2);

-- name: import_suppressed
SELECT id FROM member WHERE delivery_state = 'suppressed';
