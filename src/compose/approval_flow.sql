-- name: approval_flow_find
-- The draft of something; $3 NULL: of any occurrence, the newest.
SELECT approval.mailing
  FROM approval JOIN v_mailing AS mailing ON mailing.id = approval.mailing
 WHERE mailing.draft AND mailing.purpose = $1 AND mailing.subject = $2
   AND ($3 IS NULL OR approval.occurrence = $3)
 ORDER BY approval.mailing DESC LIMIT 1;

-- name: approval_flow_settled
-- What became of the draft that was due then.
SELECT approval.mailing, mailing.state
  FROM approval JOIN v_mailing AS mailing ON mailing.id = approval.mailing
 WHERE NOT mailing.draft AND mailing.purpose = $1 AND mailing.subject = $2
   AND approval.due_at = $3
 ORDER BY approval.mailing DESC LIMIT 1;

-- name: approval_flow_add
INSERT INTO approval (mailing, newsletter, occurrence, again, due_at, needed, revision, valid_from)
VALUES ($1, $2, $3, $4, $5, $6, 1, 0);

-- name: approval_flow_plan
-- When it goes out, and who has to say so.
UPDATE approval SET due_at = $2, needed = $3 WHERE mailing = $1;

-- name: approval_flow_renew
UPDATE approval
   SET revision = $2 + 1, newsletter = $3, again = $4, due_at = $5, needed = $6, reason = $7
 WHERE mailing = $1;

-- name: approval_flow_void
-- All that was approved so far.
UPDATE approval
   SET reason = $2, valid_from = (SELECT coalesce(max(id), 0) + 1 FROM approval_trail)
 WHERE mailing = $1;

-- name: approval_flow_ready
-- Approved, and nobody plans a time for it.
SELECT approval.mailing
  FROM approval JOIN v_mailing AS mailing ON mailing.id = approval.mailing
 WHERE mailing.state = 'approved' AND approval.due_at IS NULL
 ORDER BY approval.mailing;

-- name: approval_flow_options
SELECT occurrence, again FROM approval WHERE mailing = $1;
