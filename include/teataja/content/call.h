/* teataja/content/call.h - funding opportunities: calls/<slug>.md.
 *
 *     title: Kultuurkapital – project grants
 *     funder: Eesti Kultuurkapital
 *     url: https://…
 *     rounds: { rrule: "FREQ=YEARLY;BYMONTH=2,5,8,11;BYMONTHDAY=20",
 *               at: "17:00 Europe/Tallinn", if_holiday: next_workday }
 *     applicants: [individual]
 *     regions: [EE00A, south-baltic]
 *
 * When one can apply, in one of these ways:
 *     deadline: 2027-01-23 17:00 Europe/Brussels
 *     deadline: none                    always open
 *     until: budget_spent               the same, until somebody writes `status: exhausted`;
 *                                       may stand beside a deadline
 *     rounds: [2026-10-31, 2026-11-30]  several deadlines
 *     rounds: { rrule: …, dates: […], at: …, if_holiday: …, opens_before: 30 days, start: … }
 *     stages: [ { name: …, deadline: … }, … ]   the first decides; the others are for those invited
 * and `opens: 2026-11-01` or `opens: 2026-Q4`. A date without a time means the
 * whole day. A zone that is not written is the site's.
 *
 * A deadline that was moved: `moved_from: 2027-01-10` beside `deadline`, and
 * `moved: [ { from: 2027-02-20, to: 2027-03-01 } ]` for one of several rounds. A
 * changed deadline that was not past yet is found by content_record as well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/err.h"
#include "teataja/base/schema.h"
#include "teataja/base/str.h"
#include "teataja/config/region.h"
#include "teataja/content/item.h"

/* What the file says, and what a round is at an instant. */
enum call_state {
    CALL_BY_DATES, /* status only: not given, the dates decide */
    CALL_PLANNED,
    CALL_OPEN,
    CALL_CLOSED,    /* the deadline is past, or the file says so */
    CALL_EXHAUSTED, /* the budget is spent */
    CALL_CANCELLED
};

/* "planned", "open", ...; "" for CALL_BY_DATES. */
const char *call_state_name(enum call_state state);

/* A local time in a zone and its instant. */
struct call_moment {
    struct civil civil; /* date_only: the whole day counts */
    const char *zone;
    int64_t at; /* a deadline without a time: the end of its day; an opening: its start;
                 * an opening that is a quarter: the quarter's end */
};

struct call_stage {
    const struct yaml_node *node;
    struct lang_text name;
    struct schema_moment written;
    struct call_moment deadline;
};

/* One occasion to apply. */
struct call_round {
    /* Stays the same while the deadline moves: the date by rule or as first
     * written, "2027-02-20"; "rolling" when it is always open; what `opens` says
     * ("2027-Q2") when only that is known; else "unknown". */
    const char *key;
    /* Key, and the deadline where it was moved ("2027-01-10>2027-01-23T17:00:00"):
     * who has had this was told of this deadline. */
    const char *told;
    bool has_opens;
    struct call_moment opens;
    bool has_deadline;
    struct call_moment deadline;
    bool moved;              /* the funder moved it ... */
    struct civil moved_from; /* ... from this, in the deadline's zone */
    bool shifted;            /* if_holiday moved it from the key's date ... */
    const char *shifted_for; /* ... for "Restoration of Independence"; NULL for a weekend */
};

struct call_amount {
    const struct yaml_node *node;
    int64_t min; /* whole units of the currency; 0 if not given */
    int64_t max;
    const char *currency; /* "EUR" */
    int rate;             /* most that is paid, in hundredths of a percent; 0 if not given */
    int own_share;        /* least that the applicant bears; likewise */
};

struct call_contact {
    const struct yaml_node *node;
    const char *name;     /* NULL if none, as all of these */
    struct address email; /* text is "" if none */
    const char *phone;
    const char *url;
};

/* rounds: as written. */
struct call_rule {
    const struct yaml_node *node;
    const char *rrule;
    struct schema_moment *dates;
    size_t date_count;
    struct schema_moment at; /* a time of day, perhaps with its zone */
    int if_holiday;          /* of enum call_holiday */
    struct civil start;      /* from when the rule counts; year 0 if not given */
    struct period opens_before;
};

enum call_holiday { HOLIDAY_NONE, HOLIDAY_NEXT_WORKDAY, HOLIDAY_PREVIOUS_WORKDAY };

struct call_move {
    const struct yaml_node *node;
    struct civil from; /* the key of a round */
    struct schema_moment to;
};

struct call {
    struct item item;
    const struct yaml_node *node;

    /* As written; texts are in the editions. */
    const char *title;
    const char *funder;
    const char *summary;
    const char *url;
    const char *apply_url;          /* NULL if none */
    enum language *apply_languages; /* of the form; none: not said */
    size_t apply_language_count;
    struct call_contact contact;
    const char *info_event; /* slug of an event, which this room cannot check; NULL if none */
    const char *country;    /* whose holidays count; NULL: the site's */
    int status;             /* of enum call_state */
    const char *opens_text; /* as written; NULL if none */
    const char *deadline_text;
    const char *moved_from_text;
    int until;              /* of enum call_until */
    struct call_rule *rule; /* rounds; NULL if none */
    struct call_move *moves;
    size_t move_count;
    struct call_stage *stages; /* in order; one or none is a call of one stage */
    size_t stage_count;
    struct call_amount *amounts;
    size_t amount_count;
    const char *const *applicants; /* kinds that may apply; none: all */
    size_t applicant_count;
    const char *const *tell; /* kinds that should know although they cannot apply */
    size_t tell_count;
    const char *const *sectors; /* none: all */
    size_t sector_count;
    const char *const *region_names; /* as written */
    size_t region_name_count;

    /* Computed. */
    const struct region **regions; /* none: all */
    size_t region_count;
    bool until_spent;          /* closes early when the budget is spent */
    int opens_quarter;         /* 1 to 4: `opens` says no more than the quarter; else 0 */
    int opens_year;            /* of that quarter */
    struct call_round *rounds; /* by deadline; one at least */
    size_t round_count;
};

enum call_until { UNTIL_DEADLINE, UNTIL_SPENT };

/* What a round is at an instant: what `status` says for the whole call, else by
 * its dates. Never CALL_BY_DATES. A round of several is planned until the one
 * before it has closed. */
enum call_state call_round_state(const struct call *call, const struct call_round *round,
                                 int64_t at);

/* Rounds that are `state` at an instant, by deadline: up to `max` of them into
 * out[]. Returns how many there are. */
size_t call_rounds(const struct call *call, enum call_state state, int64_t at,
                   const struct call_round **out, size_t max);

/* The round to speak of at an instant: the open one that closes first, else the
 * next planned, else the last that closed. Not NULL for a loaded call. */
const struct call_round *call_current_round(const struct call *call, int64_t at);

/* The call at an instant: the state of its current round. */
enum call_state call_state_at(const struct call *call, int64_t at);

/* Appends the rounds as `check` prints them, each on a line:
 *   "2027-02-22 17:00 Europe/Tallinn  planned  2027-02-20 is a Saturday" */
void call_print_rounds(const struct call *call, int64_t at, struct str *out);

/* The table behind calls/<slug>.md, for the sample and the manual. */
extern const struct schema call_schema;
