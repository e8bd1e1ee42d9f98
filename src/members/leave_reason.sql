-- name: leave_reason_list
SELECT id FROM list WHERE slug = $1;

-- name: leave_reason_add
INSERT INTO leave_reason (list, day, reason, text) VALUES ($1, $2, $3, $4);
