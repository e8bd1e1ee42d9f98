/* teataja/events/answer.h - who comes.
 *
 * The answer that counts is one row a member and occurrence; every answer ever
 * given stays in a log. In a series an answer to one occurrence goes before the
 * answer to the whole. A seat is a member who says yes, and each guest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/db/db.h"
#include "teataja/events/event.h"

enum answer_state { ANSWER_NONE, ANSWER_YES, ANSWER_NO, ANSWER_MAYBE, ANSWER_WAITING };

/* "yes"; answer_state_find takes yes, no, maybe: ERR_INVALID with the choices. */
const char *answer_state_name(enum answer_state state);
int answer_state_find(const char *text, enum answer_state *out, struct err *err);

struct answer_entry {
    const char *address;     /* the member's, any spelling */
    enum answer_state state; /* yes, no or maybe */
    const char *occurrence;  /* as event_occurrence_find takes it; NULL: the whole event */
    int64_t guests;          /* who come along; only with yes and maybe */
    const char *comment;     /* at most LIMIT_VALUE; NULL if none */
    const char *via;         /* "staff" */
    const char *by;          /* who entered it; NULL if unknown */
    bool force;              /* also past capacity, guests and rsvp.by */
    int64_t now;             /* microseconds UTC */
};

struct answer_result {
    enum answer_state before; /* ANSWER_NONE if there was none */
    int64_t member;
    int64_t seats;    /* taken now */
    int64_t capacity; /* 0: no limit */
};

/* Enters an answer. ERR_NOT_FOUND: no such member, not invited, no such
 * occurrence; ERR_STATE: the event is full, cancelled, or rsvp.by has passed, with
 * what --force would do; ERR_LIMIT: too many guests; ERR_INVALID. Nothing is
 * written then. */
int answer_enter(struct db *db, const struct event *event, const struct answer_entry *entry,
                 struct answer_result *out, struct err *err);

struct attendee {
    int64_t invitation;
    int64_t member;
    const char *name;    /* NULL if none */
    const char *address; /* the member's present one; "" once erased */
    enum answer_state state;
    int64_t guests;
    const char *comment; /* NULL if none */
    const char *via;     /* NULL without an answer */
    int64_t at;          /* 0 without an answer */
};

/* Everybody invited, by answer (yes, waiting, maybe, no, none) and then by name,
 * with what counts for the occurrence ("" or NULL: the whole event). Returns how
 * many; ERR_NOT_FOUND if nobody was ever invited. */
int attendee_list(struct db *db, const struct event *event, const char *occurrence,
                  struct arena *arena, struct attendee **out, struct err *err);

/* Seats taken for an occurrence ("" or NULL: the whole of the event). */
int answer_seats(struct db *db, const struct event *event, const char *occurrence, int64_t *out,
                 struct err *err);

struct attendee_counts {
    int64_t invited;
    int64_t by_state[ANSWER_WAITING + 1];
    int64_t guests; /* of those who say yes */
    int64_t seats;  /* yes and their guests */
};
void attendee_count(const struct attendee *attendees, size_t count, struct attendee_counts *out);
