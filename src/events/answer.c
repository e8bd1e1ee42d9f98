#include "teataja/events/answer.h"

#include <string.h>

#include "sql/events/answer.h"
#include "teataja/base/address.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/base/utf8.h"
#include "teataja/events/invitation.h"
#include "teataja/events/occurrence.h"
#include "transaction.h"

static const char *const state_names[] = {
    [ANSWER_NONE] = "none",   [ANSWER_YES] = "yes",         [ANSWER_NO] = "no",
    [ANSWER_MAYBE] = "maybe", [ANSWER_WAITING] = "waiting",
};

const char *answer_state_name(enum answer_state state)
{
    return state_names[state];
}

int answer_state_find(const char *text, enum answer_state *out, struct err *err)
{
    struct suggest suggest;

    suggest_start(&suggest, text);
    for (int state = ANSWER_YES; state <= ANSWER_MAYBE; state++) {
        if (strcmp(text, state_names[state]) == 0) {
            *out = (enum answer_state)state;
            return 0;
        }
        suggest_offer(&suggest, state_names[state]);
    }
    return err_set(err, ERR_INVALID, "'%.40s' is not an answer (yes, no, maybe)%s", text,
                   suggest_hint(&suggest));
}

static enum answer_state state_of(const char *text)
{
    for (int state = ANSWER_YES; state <= ANSWER_WAITING; state++) {
        if (strcmp(text, state_names[state]) == 0) {
            return (enum answer_state)state;
        }
    }
    return ANSWER_NONE;
}

/* Whatever can be said without the database. */
static int check_entry(const struct event *event, const struct answer_entry *entry,
                       const struct occurrence *occurrence, struct err *err)
{
    if (entry->state == ANSWER_NONE || entry->state == ANSWER_WAITING) {
        return err_set(err, ERR_INVALID, "an answer is yes, no or maybe");
    }
    if (entry->guests < 0 || (entry->state == ANSWER_NO && entry->guests > 0)) {
        return err_set(err, ERR_INVALID, "who does not come brings no guests");
    }
    if (entry->comment != NULL && strlen(entry->comment) > LIMIT_VALUE) {
        return err_set(err, ERR_LIMIT, "the comment is longer than %d bytes", LIMIT_VALUE);
    }
    if (entry->comment != NULL && !utf8_is_valid(entry->comment, strlen(entry->comment), NULL)) {
        return err_set(err, ERR_INVALID, "the comment is not well-formed UTF-8");
    }
    if (event->status == EVENT_CANCELLED || (occurrence->id[0] != '\0' && occurrence->cancelled)) {
        return err_set(err, ERR_STATE, "'%s'%s%s is cancelled", event->slug,
                       occurrence->id[0] != '\0' ? " of " : "", occurrence->id);
    }
    if (entry->force) {
        return 0;
    }
    if (entry->guests > event->rsvp.guests && event->rsvp.guests == 0) {
        return err_set(err, ERR_LIMIT,
                       "'%s' allows no guests, not %lld; --force enters it all the same",
                       event->slug, (long long)entry->guests);
    }
    if (entry->guests > event->rsvp.guests) {
        return err_set(err, ERR_LIMIT,
                       "'%s' allows %lld guest%s a member, not %lld; --force enters it all the same",
                       event->slug, (long long)event->rsvp.guests,
                       event->rsvp.guests == 1 ? "" : "s", (long long)entry->guests);
    }
    if (event->rsvp.has_by && entry->now >= event->rsvp.by_utc) {
        char by[CIVIL_TEXT];

        civil_print(&event->rsvp.by, by);
        return err_set(err, ERR_STATE,
                       "answers to '%s' were taken until %s; --force enters it all the same",
                       event->slug, by);
    }
    return 0;
}

/* The occurrence that is meant: id "" for the whole event. */
static int find_occurrence(const struct event *event, const char *text, struct arena *arena,
                           struct occurrence *out, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    return event_occurrence_find(event, text, arena, out, err);
}

/* Who it is, and the invitation. */
static int find_invited(struct db *db, struct arena *arena, const struct event *event,
                        const struct answer_entry *entry, struct invitation *out, struct err *err)
{
    struct address address;
    int64_t member = 0;
    int rc = address_parse(entry->address, &address, err);

    if (rc < 0) {
        return rc;
    }
    rc = db_get_int(db, SQL_ANSWER_MEMBER, &member, err, "t", address.key);
    if (rc == 0) {
        return err_set(err, ERR_NOT_FOUND, "no member has the address '%s'", address.text);
    }
    if (rc < 0) {
        return rc;
    }
    rc = invitation_find(db, arena, event->slug, member, out, err);
    if (rc == ERR_NOT_FOUND || (rc == 0 && out->cancelled)) {
        return err_set(err, ERR_NOT_FOUND, "'%s' is not invited to '%s'", address.text,
                       event->slug);
    }
    return rc;
}

static int count_seats(struct db *db, const struct invitation *invitation, const char *id,
                       int64_t but, int64_t *out, struct err *err)
{
    int rc = db_get_int(db, SQL_ANSWER_SEATS, out, err, "iti", invitation->event, id, but);

    return rc < 0 ? rc : 0;
}

static int check_capacity(struct db *db, const struct event *event,
                          const struct answer_entry *entry, const struct invitation *invitation,
                          const char *id, struct err *err)
{
    int64_t taken = 0;
    int rc;

    if (entry->state != ANSWER_YES || event->rsvp.capacity == 0 || entry->force) {
        return 0;
    }
    rc = count_seats(db, invitation, id, invitation->id, &taken, err);
    if (rc == 0 && taken + 1 + entry->guests > event->rsvp.capacity) {
        rc = err_set(err, ERR_STATE,
                     "'%s' is full: %lld of %lld seats are taken and %lld more are wanted; "
                     "--force enters it all the same",
                     event->slug, (long long)taken, (long long)event->rsvp.capacity,
                     (long long)entry->guests + 1);
    }
    return rc;
}

static int read_state(struct db *db, int64_t invitation, const char *id, enum answer_state *out,
                      struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_ANSWER_GET, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "it", invitation, id);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    *out = rc == 1 ? state_of(db_text(stmt, 0)) : ANSWER_NONE;
    db_stmt_free(stmt);
    return rc < 0 ? rc : 0;
}

static int write_answer(struct db *db, const struct answer_entry *entry, int64_t invitation,
                        const char *id, struct err *err)
{
    const char *state = state_names[entry->state];
    int rc = db_exec(db, SQL_ANSWER_PUT, err, "ittitti", invitation, id, state, entry->guests,
                     entry->comment, entry->via, entry->now);

    if (rc < 0) {
        return rc;
    }
    return db_exec(db, SQL_ANSWER_LOG_ADD, err, "ittittti", invitation, id, state, entry->guests,
                   entry->comment, entry->via, entry->by, entry->now);
}

int answer_enter(struct db *db, const struct event *event, const struct answer_entry *entry,
                 struct answer_result *out, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct transaction transaction = {0};
    struct occurrence occurrence;
    struct invitation invitation = {0};
    int rc;

    memset(out, 0, sizeof(*out));
    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = find_occurrence(event, entry->occurrence, arena, &occurrence, err);
    if (rc == 0) {
        rc = check_entry(event, entry, &occurrence, err);
    }
    if (rc == 0) {
        rc = transaction_begin(db, &transaction, err);
    }
    if (rc < 0) {
        arena_free(arena);
        return rc;
    }
    rc = find_invited(db, arena, event, entry, &invitation, err);
    if (rc == 0) {
        rc = check_capacity(db, event, entry, &invitation, occurrence.id, err);
    }
    if (rc == 0) {
        rc = read_state(db, invitation.id, occurrence.id, &out->before, err);
    }
    if (rc == 0) {
        rc = write_answer(db, entry, invitation.id, occurrence.id, err);
    }
    if (rc == 0) {
        rc = count_seats(db, &invitation, occurrence.id, 0, &out->seats, err);
        out->member = invitation.member;
        out->capacity = event->rsvp.capacity;
    }
    rc = transaction_end(&transaction, rc, err);
    arena_free(arena);
    return rc;
}

int answer_seats(struct db *db, const struct event *event, const char *occurrence, int64_t *out,
                 struct err *err)
{
    struct event_row row;
    int rc = event_row_get(db, event->slug, &row, err);

    if (rc < 0) {
        return rc;
    }
    rc = db_get_int(db, SQL_ANSWER_SEATS, out, err, "iti", row.id,
                    occurrence != NULL ? occurrence : "", (int64_t)0);
    return rc < 0 ? rc : 0;
}

static int take_attendee(struct db_stmt *stmt, struct arena *arena, struct attendee *out,
                         struct err *err)
{
    memset(out, 0, sizeof(*out));
    out->invitation = db_int(stmt, 0);
    out->member = db_int(stmt, 1);
    out->name = db_dup(stmt, 2, arena);
    out->address = db_dup(stmt, 3, arena);
    out->state = state_of(db_text(stmt, 4));
    out->guests = db_int(stmt, 5);
    out->comment = db_dup(stmt, 6, arena);
    out->via = db_dup(stmt, 7, arena);
    out->at = db_int(stmt, 8);
    return out->address == NULL ? err_nomem(err) : 0;
}

int attendee_list(struct db *db, const struct event *event, const char *occurrence,
                  struct arena *arena, struct attendee **out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    struct occurrence wanted;
    struct event_row row;
    struct attendee *list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    int rc = event_row_get(db, event->slug, &row, err);

    *out = NULL;
    if (rc == 0) {
        rc = find_occurrence(event, occurrence, arena, &wanted, err);
    }
    if (rc == 0) {
        rc = db_query(db, SQL_ATTENDEE_LIST, &stmt, err);
    }
    if (rc == 0) {
        rc = db_bind(stmt, err, "tt", event->slug, wanted.id);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, &list, &capacity, count, sizeof(*list), err);
        if (rc == 0) {
            rc = take_attendee(stmt, arena, &list[count], err);
            count++;
        }
    }
    db_stmt_free(stmt);
    if (rc < 0) {
        return rc;
    }
    *out = list;
    return (int)count;
}

void attendee_count(const struct attendee *attendees, size_t count, struct attendee_counts *out)
{
    memset(out, 0, sizeof(*out));
    out->invited = (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        out->by_state[attendees[i].state]++;
        if (attendees[i].state == ANSWER_YES) {
            out->guests += attendees[i].guests;
            out->seats += 1 + attendees[i].guests;
        }
    }
}
