-- name: export_subscription
SELECT state, basis, since FROM subscription WHERE member = $1 AND list = $2;

-- name: export_organisation_code
SELECT registry_code FROM organisation WHERE id = $1;
