-- name: subscription_row
SELECT l.id, s.state, s.basis
  FROM list l LEFT JOIN subscription s ON s.list = l.id AND s.member = $1
 WHERE l.slug = $2;

-- name: subscription_insert
INSERT INTO subscription (member, list, state, basis, since) VALUES ($1, $2, $3, $4, $5);

-- name: subscription_update
UPDATE subscription SET state = $3, basis = $4, since = $5 WHERE member = $1 AND list = $2;

-- name: subscription_of_member
SELECT l.slug, s.state, s.basis, s.since
  FROM subscription s JOIN list l ON l.id = s.list WHERE s.member = $1 ORDER BY l.slug;

-- name: subscription_asked_since_left
SELECT 1 FROM consent
 WHERE member = $1 AND list = $2 AND act = 'asked'
   AND id > ifnull((SELECT max(id) FROM consent
                     WHERE member = $1 AND list = $2 AND act = 'left'), 0) LIMIT 1;

-- name: consent_insert
INSERT INTO consent (member, list, act, at, how, source, wording)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: consent_wording
SELECT id FROM wording WHERE lang = $1 AND text = $2;

-- name: consent_add_wording
INSERT INTO wording (lang, text) VALUES ($1, $2);

-- name: consent_of_member
SELECT l.slug, c.act, c.at, c.how, c.source, w.text, w.lang
  FROM consent c JOIN list l ON l.id = c.list LEFT JOIN wording w ON w.id = c.wording
 WHERE c.member = $1 ORDER BY c.id;
