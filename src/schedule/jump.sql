-- name: jump_get
SELECT boot, wall, uptime, held_since FROM schedule_clock;

-- name: jump_set
INSERT INTO schedule_clock (one, boot, wall, uptime) VALUES (1, $1, $2, $3)
    ON CONFLICT (one) DO UPDATE
   SET boot = excluded.boot, wall = excluded.wall, uptime = excluded.uptime
 WHERE held_since IS NULL;

-- name: jump_hold
UPDATE schedule_clock SET held_since = $1, reason = $2 WHERE held_since IS NULL;

-- name: jump_hold_all
-- There may have been no tick yet; where one held already, its reason stands.
INSERT INTO schedule_clock (one, boot, wall, uptime, held_since, reason) VALUES (1, '', $1, 0, $1, $2)
    ON CONFLICT (one) DO UPDATE
   SET held_since = excluded.held_since, reason = excluded.reason
 WHERE held_since IS NULL;

-- name: jump_held
SELECT held_since, reason FROM schedule_clock WHERE held_since IS NOT NULL;

-- name: jump_release
UPDATE schedule_clock SET boot = $1, wall = $2, uptime = $3, held_since = NULL, reason = NULL
 WHERE held_since IS NOT NULL;
