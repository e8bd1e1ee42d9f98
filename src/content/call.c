#include "teataja/content/call.h"

#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "teataja/base/clock.h"
#include "teataja/calendar/zone.h"

static const char *const state_names[] = {
    [CALL_BY_DATES] = "",     [CALL_PLANNED] = "planned",     [CALL_OPEN] = "open",
    [CALL_CLOSED] = "closed", [CALL_EXHAUSTED] = "exhausted", [CALL_CANCELLED] = "cancelled",
};

const char *call_state_name(enum call_state state)
{
    return state_names[state];
}

/* A quarter that is named as the opening is somewhere within: the call opens when
 * somebody says so, or when the quarter is over and nobody says otherwise. */
static bool is_planned(const struct call *call, const struct call_round *round, int64_t at)
{
    if (!round->has_opens) {
        return call->status == CALL_PLANNED;
    }
    if (call->opens_quarter == 0) {
        return at < round->opens.at;
    }
    if (call->status == CALL_OPEN) {
        return false;
    }
    return call->status == CALL_PLANNED || at < round->opens.at;
}

enum call_state call_round_state(const struct call *call, const struct call_round *round,
                                 int64_t at)
{
    if (call->status == CALL_CLOSED || call->status == CALL_EXHAUSTED ||
        call->status == CALL_CANCELLED) {
        return (enum call_state)call->status;
    }
    if (round->has_deadline && at >= round->deadline.at) {
        return CALL_CLOSED;
    }
    if (is_planned(call, round, at)) {
        return CALL_PLANNED;
    }
    if (!round->has_opens && round > call->rounds && at < round[-1].deadline.at) {
        return CALL_PLANNED;
    }
    return CALL_OPEN;
}

size_t call_rounds(const struct call *call, enum call_state state, int64_t at,
                   const struct call_round **out, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < call->round_count; i++) {
        if (call_round_state(call, &call->rounds[i], at) != state) {
            continue;
        }
        if (count < max) {
            out[count] = &call->rounds[i];
        }
        count++;
    }
    return count;
}

const struct call_round *call_current_round(const struct call *call, int64_t at)
{
    const struct call_round *found;

    if (call->round_count == 0) {
        return NULL;
    }
    if (call_rounds(call, CALL_OPEN, at, &found, 1) > 0 ||
        call_rounds(call, CALL_PLANNED, at, &found, 1) > 0) {
        return found;
    }
    /* Closed by its dates or by its status: the round that was next to close. */
    for (size_t i = 0; i < call->round_count; i++) {
        if (!call->rounds[i].has_deadline || at < call->rounds[i].deadline.at) {
            return &call->rounds[i];
        }
    }
    return &call->rounds[call->round_count - 1];
}

enum call_state call_state_at(const struct call *call, int64_t at)
{
    const struct call_round *round = call_current_round(call, at);

    return round ? call_round_state(call, round, at) : CALL_CLOSED;
}

/* "2027-02-22 17:00" or, of a date, "2027-02-22". */
static void add_civil(struct str *out, const struct civil *civil)
{
    str_addf(out, "%04d-%02d-%02d", civil->year, civil->month, civil->day);
    if (!civil->date_only) {
        str_addf(out, " %02d:%02d", civil->hour, civil->minute);
        if (civil->second != 0) {
            str_addf(out, ":%02d", civil->second);
        }
    }
}

static void add_moment(struct str *out, const struct call_moment *moment)
{
    add_civil(out, &moment->civil);
    str_addf(out, " %s", moment->zone);
}

static void print_round(const struct call *call, const struct call_round *round, int64_t at,
                        struct str *out)
{
    static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                           "Friday", "Saturday", "Sunday"};
    enum call_state state = call_round_state(call, round, at);
    struct civil key;

    if (round->has_deadline) {
        add_moment(out, &round->deadline);
    } else {
        str_add(out, "no deadline");
    }
    str_addf(out, "  %s", call_state_name(state));
    if (round->has_opens && state == CALL_PLANNED) {
        if (call->opens_quarter != 0) {
            str_addf(out, "  opens in %s", call->opens_text);
        } else {
            str_add(out, "  opens ");
            add_moment(out, &round->opens);
        }
    }
    if (round->moved) {
        str_add(out, "  moved from ");
        add_civil(out, &round->moved_from);
    } else if (round->shifted && civil_parse(round->key, &key, NULL) == 0) {
        str_addf(out, "  %s is %s%s", round->key, round->shifted_for ? "" : "a ",
                 round->shifted_for ? round->shifted_for : weekdays[civil_weekday(&key) - 1]);
    }
    if (call->until_spent) {
        str_add(out, "  or until the budget is spent");
    }
    str_add_char(out, '\n');
}

void call_print_rounds(const struct call *call, int64_t at, struct str *out)
{
    for (size_t i = 0; i < call->round_count; i++) {
        print_round(call, &call->rounds[i], at, out);
    }
    for (size_t i = 1; i < call->stage_count; i++) {
        add_moment(out, &call->stages[i].deadline);
        str_addf(out, "  stage %zu, for those invited\n", i + 1);
    }
}

static void call_texts(const void *facts, struct edition *edition)
{
    const struct call *call = facts;

    edition->title = call->title;
    edition->funder = call->funder;
    edition->summary = call->summary;
    edition->url = call->url;
}

static void check_amounts(const struct load *load, const struct call *call)
{
    for (size_t i = 0; i < call->amount_count; i++) {
        const struct call_amount *amount = &call->amounts[i];
        const char *currency = amount->currency; /* NULL: the schema said what is wrong with it */

        if (amount->min != 0 && amount->max != 0 && amount->min > amount->max) {
            yaml_problem(load->report, amount->node, "min", "'min' is more than 'max'");
        }
        if (amount->rate + amount->own_share > 10000) {
            yaml_problem(load->report, amount->node, "own_share",
                         "'rate' and 'own_share' make more than 100%%");
        }
        if (currency &&
            (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)) {
            yaml_problem(load->report, amount->node, "currency",
                         "'%s' is not a currency: write three capitals, such as EUR", currency);
        }
    }
}

/* A status that the dates contradict is most likely forgotten. */
static void check_status(const struct load *load, const struct call *call)
{
    const struct call_round *last;

    if (call->round_count == 0) {
        return;
    }
    last = &call->rounds[call->round_count - 1];
    if ((call->status == CALL_OPEN || call->status == CALL_PLANNED) && last->has_deadline &&
        load->now >= last->deadline.at) {
        yaml_warning(load->report, call->node, "status",
                     "the status is %s, but the last deadline %s is past",
                     call_state_name((enum call_state)call->status), last->key);
    } else if (call->status == CALL_PLANNED && call->rounds[0].has_opens &&
               load->now >= call->rounds[0].opens.at) {
        yaml_warning(load->report, call->node, "status",
                     "the status is planned, but '%s', when it opens, is past",
                     call->opens_text ? call->opens_text : "");
    }
}

static int call_finish(struct load *load, void *facts)
{
    struct call *call = facts;
    const struct site_vocabularies *words = &load->config->site.vocabularies;
    int rc;

    call->until_spent = call->until == UNTIL_SPENT;
    check_amounts(load, call);
    rc = load_terms(load, &words->kinds, "kind", call->node, "applicants", &call->applicants,
                    call->applicant_count);
    if (rc == 0) {
        rc = load_terms(load, &words->kinds, "kind", call->node, "tell", &call->tell,
                        call->tell_count);
    }
    if (rc == 0) {
        rc = load_terms(load, &words->sectors, "sector", call->node, "sectors", &call->sectors,
                        call->sector_count);
    }
    if (rc == 0) {
        rc = load_regions(load, call->node, "regions", call->region_names, call->region_name_count,
                          &call->regions, &call->region_count);
    }
    if (rc == 0) {
        rc = round_compute(load, call);
    }
    if (rc == 0) {
        check_status(load, call);
    }
    return rc;
}

const struct load_kind call_kind = {
    .kind = ITEM_CALL,
    .size = sizeof(struct call),
    .schema = &call_schema,
    .texts = call_texts,
    .finish = call_finish,
};
