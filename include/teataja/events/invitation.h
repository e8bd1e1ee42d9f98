/* teataja/events/invitation.h - who was invited to what.
 *
 * Writes happen in the caller's transaction if there is one, else in one of
 * their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/db/db.h"
#include "teataja/events/event.h"

#define INVITATION_UID 256 /* most bytes of a UID, with NUL */

/* An event in the database: what clients know it by. */
struct event_row {
    int64_t id;
    char uid[INVITATION_UID]; /* random, for ever the same */
    int64_t sequence;
    bool fresh;   /* it was not there before */
    bool changed; /* time, recurrence, status or place differ: sequence was raised */
};

/* Records the event as it is now. New: a random UID at `domain`, SEQUENCE 0.
 * Known: SEQUENCE + 1 if event_digest differs from the recorded one, but only
 * once somebody was invited; capacity, list and status are brought up to date. */
int event_record(struct db *db, const struct event *event, const char *domain,
                 struct event_row *out, struct err *err);

/* Reads without writing. ERR_NOT_FOUND if it was never recorded. */
int event_row_get(struct db *db, const char *slug, struct event_row *out, struct err *err);

/* Keeps the calendar of a sequence as it was sent (without attendee); the first
 * one stays. */
int event_revision_add(struct db *db, int64_t event, int64_t sequence, int64_t dtstamp,
                       const char *ical, struct err *err);

struct invitation {
    int64_t id;
    int64_t event;
    int64_t member;
    const char *address;   /* ATTENDEE */
    const char *organizer; /* ORGANIZER: never changes */
    int64_t sequence;      /* last sent */
    int64_t dtstamp;       /* last sent */
    bool cancelled;
    bool fresh; /* made by this call */
};

/* Invites a member. Idempotent: who is invited already stays so, with the
 * organizer of the first time, whatever is passed now; a cancelled invitation
 * becomes valid again. The strings of *out are in `arena`. */
int invitation_add(struct db *db, struct arena *arena, int64_t event, int64_t member,
                   const char *address, const char *organizer, int64_t sequence, int64_t dtstamp,
                   struct invitation *out, struct err *err);

/* Notes that a newer SEQUENCE went out, to this address. */
int invitation_sent(struct db *db, int64_t invitation, const char *address, int64_t sequence,
                    int64_t dtstamp, struct err *err);

/* The member's invitation. ERR_NOT_FOUND. */
int invitation_find(struct db *db, struct arena *arena, const char *slug, int64_t member,
                    struct invitation *out, struct err *err);

/* Part of erasing a member: addresses and comments of the member's invitations
 * and answers go; the answers themselves stay, for the counts. */
int invitation_scrub_member(struct db *db, int64_t member, struct err *err);
