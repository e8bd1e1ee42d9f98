/* teataja/compose/compose.h - what composing needs, opened once a command.
 *
 * Holds the catalogue, the compiled templates and the formatters. One thread.
 * Everything that *site points to must outlive it.
 */
#pragma once

#include "teataja/base/err.h"
#include "teataja/config/config.h"
#include "teataja/content/content.h"
#include "teataja/events/event.h"
#include "teataja/members/member.h"

struct compose_site {
    const struct config *config;
    struct content *content; /* recall and record fill in what the database knows */
    const struct events *events;
    const struct members *members; /* with its database and key */
    const char *templates;         /* folder of the installed templates */
};

struct compose;

/* ERR_INVALID with file and line for a catalogue or template that is wrong. */
int compose_open(const struct compose_site *site, struct compose **out, struct err *err);
void compose_close(struct compose *compose);

/* Checks what other rooms cannot: the audience expressions of newsletters, issues
 * and events, `info_event` of calls, notices of projects. Problems go to `report`
 * with file, line and column. Returns 0, or ERR_NOMEM. For the verb check. */
struct report;
int compose_check(struct compose *compose, struct report *report, struct err *err);
