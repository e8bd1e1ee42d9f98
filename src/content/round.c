/* When one can apply: from what a call's file says to its rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "teataja/base/clock.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

#define RULE_START_YEAR 2000 /* any will do for rules without INTERVAL and COUNT */
#define YEAR_DAYS 366

/* A call while its rounds are computed. */
struct work {
    struct load *load;
    struct call *call;
    const char *zone;    /* of times that name none */
    const char *country; /* whose holidays count; NULL if not known */
    size_t room;         /* of call->rounds */
};

const char *round_told(struct arena *arena, const struct call_round *round)
{
    char deadline[CIVIL_TEXT];

    if (!round->moved) {
        return round->key;
    }
    civil_format(&round->deadline.civil, deadline);
    return arena_printf(arena, "%s>%s", round->key, deadline);
}

static const char *date_key(struct arena *arena, const struct civil *civil)
{
    return arena_printf(arena, "%04d-%02d-%02d", civil->year, civil->month, civil->day);
}

static int add_round(struct work *work, const struct call_round *round)
{
    struct call *call = work->call;
    struct load *load = work->load;
    struct call_round *added;
    int rc = arena_grow(load->arena, &call->rounds, &work->room, call->round_count,
                        sizeof(*call->rounds), load->err);

    if (rc < 0) {
        return rc;
    }
    added = &call->rounds[call->round_count];
    *added = *round;
    added->told = added->key ? round_told(load->arena, added) : NULL;
    if (!added->told) {
        return err_nomem(load->err);
    }
    call->round_count++;
    return 0;
}

/* Reads a moment that stands as text at `key`; false if it is none. */
static bool read_moment(const struct work *work, const char *key, struct schema_moment *out)
{
    const struct schema_field field = {.key = key, .type = SCHEMA_MOMENT};

    return schema_value(work->load->arena, &field, yaml_get(work->call->node, key),
                        work->load->report, out, work->load->err) == 0;
}

/* "2026-Q4" */
static bool read_quarter(struct call *call)
{
    const char *text = call->opens_text;

    if (strlen(text) != 7 || strspn(text, "0123456789") != 4 || text[4] != '-' ||
        (text[5] != 'Q' && text[5] != 'q') || text[6] < '1' || text[6] > '4') {
        return false;
    }
    call->opens_year = (int)strtol(text, NULL, 10);
    call->opens_quarter = text[6] - '0';
    return call->opens_year >= 1900 && call->opens_year < 2200;
}

/* `opens` into the round; of a quarter `at` is its end. False if it is wrong. */
static bool read_opens(struct work *work, struct call_round *round)
{
    struct call *call = work->call;
    struct call_moment *opens = &round->opens;
    struct schema_moment written = {.zone = ""};
    bool good;

    if (!call->opens_text) {
        return true;
    }
    if (read_quarter(call)) {
        struct call_moment after = {.zone = work->zone};

        opens->zone = work->zone;
        opens->civil = (struct civil){.year = call->opens_year,
                                      .month = call->opens_quarter * 3 - 2,
                                      .day = 1,
                                      .date_only = true};
        after.civil = opens->civil;
        after.civil.year += call->opens_quarter == 4;
        after.civil.month = call->opens_quarter % 4 * 3 + 1;
        good = load_instant(work->load, call->node, "opens", false, &after);
        opens->at = after.at;
    } else {
        good = read_moment(work, "opens", &written) &&
               load_moment(work->load, call->node, "opens", &written, work->zone, false, opens);
    }
    round->has_opens = good;
    return good;
}

static void check_order(const struct work *work, const struct call_round *round, const char *path)
{
    struct civil opens = round->opens.civil;
    char opening[CIVIL_TEXT];
    char deadline[CIVIL_TEXT];

    /* A day to apply on may be both. */
    if (round->has_opens && round->has_deadline &&
        (civil_compare(&opens, &round->deadline.civil) > 0 ||
         (work->call->opens_quarter == 0 && round->opens.at >= round->deadline.at))) {
        civil_print(&opens, opening);
        civil_print(&round->deadline.civil, deadline);
        yaml_problem(work->load->report, work->call->node, path,
                     "the deadline %s lies before the opening %s", deadline, opening);
    }
}

/* `moved_from` gives the round its key: it is still the round it was. */
static int read_moved_from(struct work *work, struct call_round *round)
{
    struct schema_moment written = {.zone = ""};
    struct call *call = work->call;

    if (!call->moved_from_text || !read_moment(work, "moved_from", &written)) {
        return 0;
    }
    if (civil_compare(&written.civil, &round->deadline.civil) == 0 &&
        written.civil.date_only == round->deadline.civil.date_only) {
        yaml_problem(work->load->report, call->node, "moved_from",
                     "'moved_from' is the deadline itself: write when it was before");
        return 0;
    }
    round->moved = true;
    round->moved_from = written.civil;
    round->key = date_key(work->load->arena, &written.civil);
    return round->key ? 0 : err_nomem(work->load->err);
}

/* deadline: a date. */
static int single(struct work *work, struct call_round *round)
{
    struct call *call = work->call;
    struct schema_moment written = {.zone = ""};
    int rc;

    if (!read_moment(work, "deadline", &written) ||
        !load_moment(work->load, call->node, "deadline", &written, work->zone, true,
                     &round->deadline)) {
        return 0;
    }
    round->has_deadline = true;
    round->key = date_key(work->load->arena, &round->deadline.civil);
    rc = read_moved_from(work, round);
    check_order(work, round, "deadline");
    return rc == 0 ? add_round(work, round) : rc;
}

/* stages: the first decides who may apply. */
static int stages(struct work *work, struct call_round *round)
{
    struct call *call = work->call;
    bool good = true;
    int rc;

    for (size_t i = 0; i < call->stage_count; i++) {
        struct call_stage *stage = &call->stages[i];

        /* A stage without a deadline was reported by the table. */
        good = stage->written.civil.year != 0 &&
               load_moment(work->load, stage->node, "deadline", &stage->written, work->zone, true,
                           &stage->deadline) &&
               good;
        if (good && i > 0 && stage->deadline.at <= call->stages[i - 1].deadline.at) {
            yaml_problem(work->load->report, stage->node, "deadline",
                         "stage %zu ends before stage %zu", i + 1, i);
        }
    }
    if (!good) {
        return 0;
    }
    round->has_deadline = true;
    round->deadline = call->stages[0].deadline;
    round->key = date_key(work->load->arena, &round->deadline.civil);
    rc = read_moved_from(work, round);
    check_order(work, round, "stages.0.deadline");
    return rc == 0 ? add_round(work, round) : rc;
}

/* A call whose end is not known or that has none. */
static int open_ended(struct work *work, struct call_round *round)
{
    const struct call *call = work->call;
    bool rolling = call->deadline_text || call->until == UNTIL_SPENT;

    if (!rolling && (call->status == CALL_BY_DATES || call->status == CALL_OPEN)) {
        yaml_problem(work->load->report, call->node, "",
                     "a call needs 'deadline', 'rounds' or 'stages'; write 'deadline: none' if it "
                     "is always open");
        return 0;
    }
    if (rolling) {
        round->key = "rolling";
    } else {
        round->key = call->opens_text ? call->opens_text : "unknown";
    }
    return add_round(work, round);
}

static void apply_holiday(const struct work *work, struct call_round *round)
{
    struct civil before = round->deadline.civil;
    const char *name = NULL;
    int how = work->call->rule->if_holiday;

    if (how == HOLIDAY_NEXT_WORKDAY) {
        holiday_next_workday(work->load->holidays, work->country, &round->deadline.civil);
    } else if (how == HOLIDAY_PREVIOUS_WORKDAY) {
        holiday_previous_workday(work->load->holidays, work->country, &round->deadline.civil);
    }
    round->shifted = civil_compare(&before, &round->deadline.civil) != 0;
    if (round->shifted && civil_weekday(&before) < 6 &&
        holiday_is(work->load->holidays, work->country, &before, &name)) {
        round->shifted_for = name;
    }
}

static void set_time(const struct call_rule *rule, struct civil *civil)
{
    if (civil->date_only && schema_has(rule->node, "at")) {
        civil->hour = rule->at.civil.hour;
        civil->minute = rule->at.civil.minute;
        civil->second = rule->at.civil.second;
        civil->date_only = false;
    }
}

/* A round that `moved` names, by its key or by where the holiday rule put it. */
static bool apply_move(const struct work *work, struct call_round *round, bool *used)
{
    const struct call *call = work->call;

    for (size_t i = 0; i < call->move_count; i++) {
        const struct call_move *move = &call->moves[i];
        struct schema_moment to;
        char from[CIVIL_TEXT];

        civil_format(&move->from, from);
        if (move->from.year == 0 || move->to.civil.year == 0 ||
            (strcmp(from, round->key) != 0 &&
             civil_days(&move->from) != civil_days(&round->deadline.civil))) {
            continue;
        }
        used[i] = true;
        round->moved = true;
        round->moved_from = round->deadline.civil;
        to = move->to;
        set_time(call->rule, &to.civil);
        return load_moment(work->load, move->node, "to", &to, round->deadline.zone, true,
                           &round->deadline);
    }
    return true;
}

/* One round of several, from its date. */
static int add_date(struct work *work, const struct civil *date, const char *zone, const char *path,
                    bool *used)
{
    const struct call_rule *rule = work->call->rule;
    struct call_round round = {.has_deadline = true};

    round.key = date_key(work->load->arena, date);
    if (!round.key) {
        return err_nomem(work->load->err);
    }
    round.deadline.civil = *date;
    round.deadline.zone = zone;
    set_time(rule, &round.deadline.civil);
    apply_holiday(work, &round);
    if (!load_instant(work->load, rule->node, path, true, &round.deadline) ||
        !apply_move(work, &round, used)) {
        return 0;
    }
    if (rule->opens_before.days != 0 || rule->opens_before.micros != 0) {
        round.has_opens = true;
        round.opens.zone = zone;
        round.opens.civil = round.deadline.civil;
        round.opens.civil.date_only = true;
        round.opens.civil.hour = round.opens.civil.minute = round.opens.civil.second = 0;
        civil_add_days(&round.opens.civil, -rule->opens_before.days);
        (void)load_instant(work->load, rule->node, "opens_before", false, &round.opens);
        round.opens.at -= rule->opens_before.micros;
    }
    return add_round(work, &round);
}

static int by_dates(struct work *work, const char *zone, bool *used)
{
    const struct call_rule *rule = work->call->rule;
    int rc = 0;

    for (size_t i = 0; i < rule->date_count && rc == 0; i++) {
        const struct schema_moment *date = &rule->dates[i];
        struct call_moment moment = {.zone = zone};
        char path[32];

        (void)snprintf(path, sizeof(path), "dates.%zu", i);
        /* A date that is none was reported by the table; the zone is checked here. */
        if (date->civil.year != 0 &&
            load_moment(work->load, rule->node, path, date, zone, true, &moment)) {
            rc = add_date(work, &date->civil, moment.zone, path, used);
        }
    }
    return rc;
}

static int by_rule(struct work *work, const char *zone, bool *used)
{
    struct load *load = work->load;
    const struct call_rule *rule = work->call->rule;
    struct civil start = {.year = RULE_START_YEAR, .month = 1, .day = 1, .date_only = true};
    struct civil from;
    struct civil to;
    struct civil *dates;
    struct err err = {0};
    int count;
    int rc = 0;

    if (rule->start.year != 0) {
        start = rule->start;
    } else if (strcasestr(rule->rrule, "INTERVAL") || strcasestr(rule->rrule, "COUNT")) {
        yaml_problem(load->report, rule->node, "rrule",
                     "a rule with INTERVAL or COUNT needs 'start', the day it counts from");
        return 0;
    }
    civil_from_utc(load->now, &from);
    from.hour = from.minute = from.second = 0;
    from.date_only = true;
    to = from;
    civil_add_days(&from, -YEAR_DAYS);
    civil_add_days(&to, 2 * YEAR_DAYS);
    count = recurrence_list(load->arena, rule->rrule, &start, &from, &to, 0, &dates, &err);
    if (count == ERR_NOMEM) {
        return err_nomem(load->err);
    }
    if (count < 0) {
        yaml_problem(load->report, rule->node, "rrule", "%s", err.msg);
    } else if (count == 0) {
        yaml_problem(load->report, rule->node, "rrule", "the rule yields no date from %04d to %04d",
                     from.year, to.year);
    }
    for (int i = 0; i < count && rc == 0; i++) {
        rc = add_date(work, &dates[i], zone, schema_has(rule->node, "at") ? "at" : "rrule", used);
    }
    return rc;
}

static int compare_rounds(const void *a, const void *b)
{
    const struct call_round *left = a;
    const struct call_round *right = b;

    if (left->deadline.at != right->deadline.at) {
        return left->deadline.at < right->deadline.at ? -1 : 1;
    }
    return strcmp(left->key, right->key);
}

static void check_rounds(const struct work *work, const bool *used)
{
    struct call *call = work->call;

    for (size_t i = 1; i < call->round_count; i++) {
        if (call->rounds[i].deadline.at == call->rounds[i - 1].deadline.at) {
            yaml_problem(work->load->report, call->node, "rounds", "two rounds end on %s",
                         call->rounds[i].key);
        }
    }
    for (size_t i = 0; i < call->move_count; i++) {
        if (!used[i] && call->moves[i].from.year != 0) {
            char from[CIVIL_TEXT];

            civil_print(&call->moves[i].from, from);
            yaml_problem(work->load->report, call->moves[i].node, "from", "there is no round on %s",
                         from);
        }
    }
}

/* A rule's rounds before the opening are none; a date that was written is wrong.
 * The first round that is left opens then, if not later. */
static void apply_opens(const struct work *work, const struct call_round *opening)
{
    struct call *call = work->call;
    const struct civil *day = &opening->opens.civil;
    size_t dropped = 0;

    while (call->rule->rrule && dropped < call->round_count &&
           civil_compare(&call->rounds[dropped].deadline.civil, day) < 0) {
        dropped++;
    }
    call->rounds += dropped;
    call->round_count -= dropped;
    if (call->round_count == 0) {
        yaml_problem(work->load->report, call->node, "opens",
                     "the rule yields no deadline after the opening");
        return;
    }
    if (!call->rounds[0].has_opens || call->rounds[0].opens.at < opening->opens.at) {
        call->rounds[0].has_opens = true;
        call->rounds[0].opens = opening->opens;
    }
    check_order(work, &call->rounds[0], "opens");
}

/* rounds: a list or a rule. `opening` holds what `opens` says: the first round
 * that it lets open begins then. */
static int several(struct work *work, struct call_round *opening)
{
    struct call *call = work->call;
    const struct call_rule *rule = call->rule;
    struct call_moment at = {.zone = work->zone};
    bool *used = arena_alloc(work->load->arena, call->move_count + 1, sizeof(*used));
    int rc;

    if (!used) {
        return err_nomem(work->load->err);
    }
    if ((rule->rrule != NULL) == (rule->date_count > 0)) {
        yaml_problem(work->load->report, rule->node, "", "rounds have either 'rrule' or 'dates'");
        return 0;
    }
    if (rule->at.zone[0] != '\0') {
        struct schema_moment probe = rule->at;

        probe.civil = (struct civil){.year = 2000, .month = 1, .day = 1, .date_only = true};
        if (!load_moment(work->load, rule->node, "at", &probe, work->zone, false, &at)) {
            return 0;
        }
    }
    if (rule->if_holiday != HOLIDAY_NONE && work->load->holidays &&
        !holidays_has_country(work->load->holidays, work->country)) {
        yaml_problem(work->load->report, rule->node, "if_holiday",
                     "the public holidays of country '%s' are not known",
                     work->country ? work->country : "");
    }
    rc = rule->rrule ? by_rule(work, at.zone, used) : by_dates(work, at.zone, used);
    if (rc < 0 || call->round_count == 0) {
        return rc;
    }
    qsort(call->rounds, call->round_count, sizeof(*call->rounds), compare_rounds);
    check_rounds(work, used);
    if (opening->has_opens) {
        apply_opens(work, opening);
    }
    return 0;
}

static void check_forms(const struct work *work)
{
    const struct call *call = work->call;
    struct report *report = work->load->report;

    if ((call->deadline_text != NULL) + (call->rule != NULL) + (call->stage_count > 0) > 1) {
        yaml_problem(report, call->node, call->rule ? "rounds" : "stages",
                     "a call has one of 'deadline', 'rounds' and 'stages'");
    }
    if (call->moved_from_text && (call->rule || (!call->deadline_text && !call->stage_count))) {
        yaml_problem(report, call->node, "moved_from",
                     "'moved_from' stands beside 'deadline'; of several rounds write "
                     "'moved: [{ from: ..., to: ... }]'");
    }
    if (call->move_count > 0 && !call->rule) {
        yaml_problem(report, call->node, "moved",
                     "'moved' is for 'rounds'; of a single deadline write 'moved_from'");
    }
}

int round_compute(struct load *load, struct call *call)
{
    struct work work = {.load = load,
                        .call = call,
                        .zone = load->config->site.timezone,
                        .country = call->country ? call->country : load->config->site.country};
    struct call_round round = {.key = NULL};
    struct err err = {0};
    char tzid[CIVIL_ZONE];

    /* A site without a good zone has been told so by its own check. */
    if (!work.zone || zone_find(work.zone, tzid, &err) < 0) {
        work.zone = "UTC";
    }
    check_forms(&work);
    if (!read_opens(&work, &round)) {
        return load->err && load->err->code == ERR_NOMEM ? ERR_NOMEM : 0;
    }
    if (call->rule) {
        return several(&work, &round);
    }
    if (call->stage_count > 0) {
        return stages(&work, &round);
    }
    if (call->deadline_text && strcmp(call->deadline_text, "none") != 0) {
        return single(&work, &round);
    }
    return open_ended(&work, &round);
}
