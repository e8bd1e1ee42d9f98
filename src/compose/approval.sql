-- name: approval_get
SELECT approval.mailing, mailing.state, mailing.purpose, mailing.subject, approval.newsletter,
       coalesce(approval.due_at, 0), approval.needed, approval.revision,
       CASE mailing.state WHEN 'rejected' THEN coalesce(mailing.reason, '')
                          ELSE approval.reason END,
       snapshot.made_at, snapshot.date, snapshot.digest, snapshot.recipients, snapshot.audience,
       (SELECT count(DISTINCT trail.person) FROM approval_trail AS trail
         WHERE trail.mailing = approval.mailing AND trail.what = 'approved'
           AND trail.revision = approval.revision AND trail.id >= approval.valid_from),
       snapshot.warnings
  FROM approval
  JOIN v_mailing AS mailing ON mailing.id = approval.mailing
  JOIN approval_snapshot AS snapshot
    ON snapshot.mailing = approval.mailing AND snapshot.revision = approval.revision
 WHERE approval.mailing = $1;

-- name: approval_ids
-- Those that wait; with $1 also those that are decided.
SELECT approval.mailing
  FROM approval JOIN v_mailing AS mailing ON mailing.id = approval.mailing
 WHERE mailing.state = 'waiting' OR ($1 = 1 AND mailing.state IN ('approved', 'rejected'))
 ORDER BY approval.due_at IS NULL, approval.due_at, approval.mailing;

-- name: approval_mailing
SELECT 1 FROM v_mailing WHERE id = $1;

-- name: approval_editions
-- $3: with their bodies.
SELECT id, lang, key, recipients, subject, CASE $3 WHEN 1 THEN html END,
       CASE $3 WHEN 1 THEN text END, digest, words
  FROM approval_edition WHERE mailing = $1 AND revision = $2
 ORDER BY recipients DESC, lang, key;

-- name: approval_body
SELECT html, text FROM approval_edition
 WHERE mailing = $1 AND revision = $2 AND lang = $3 AND key = $4;

-- name: approval_items
SELECT block, slug, title, note, revision FROM approval_item WHERE edition = $1 ORDER BY place;

-- name: approval_trail
SELECT trail.at, trail.who, trail.address, trail.how, trail.what, trail.remark, trail.revision,
       trail.digest,
       trail.what = 'approved' AND trail.revision = approval.revision
           AND trail.id >= approval.valid_from
  FROM approval_trail AS trail JOIN approval ON approval.mailing = trail.mailing
 WHERE trail.mailing = $1 ORDER BY trail.id;

-- name: approval_has_approved
SELECT 1 FROM approval_trail AS trail JOIN approval ON approval.mailing = trail.mailing
 WHERE trail.mailing = $1 AND trail.what = 'approved' AND trail.person = $2
   AND trail.revision = approval.revision AND trail.id >= approval.valid_from LIMIT 1;

-- name: approval_has_noted
SELECT 1 FROM approval_trail AS trail JOIN approval ON approval.mailing = trail.mailing
 WHERE trail.mailing = $1 AND trail.what = 'noted' AND trail.person = $2 AND trail.remark = $3
   AND trail.revision = approval.revision LIMIT 1;

-- name: approval_add_step
INSERT INTO approval_trail (mailing, at, who, address, person, how, what, remark, revision, digest)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, approval.revision, snapshot.digest
  FROM approval
  JOIN approval_snapshot AS snapshot
    ON snapshot.mailing = approval.mailing AND snapshot.revision = approval.revision
 WHERE approval.mailing = $1;

-- name: approval_last_voice
-- Who rejected it.
SELECT who FROM approval_trail WHERE mailing = $1 AND what = 'rejected' ORDER BY id DESC LIMIT 1;
